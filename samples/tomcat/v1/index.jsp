<%@ page contentType="text/plain; charset=UTF-8" %>Hello from Tomcat, version 1; greeting: <%= System.getProperty("GREETING", "none") %>
