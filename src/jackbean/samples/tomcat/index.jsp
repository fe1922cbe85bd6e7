<%@ page contentType="text/plain; charset=UTF-8" %>Jackbean runs Tomcat on Java <%= System.getProperty("java.version") %>.
