import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/** A server of Java's own library: the platform tells it a port only where it has to. */
public class Hello {
    public static void main(String[] arguments) throws IOException {
        String port = System.getenv().getOrDefault("PORT", "5000");
        HttpServer server = HttpServer.create(new InetSocketAddress(Integer.parseInt(port)), 100);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/", exchange -> {
            byte[] body = "Jackbean runs Java.\n".getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        System.out.println("listening on " + port);
    }
}
