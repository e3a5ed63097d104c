// TLS 1.3 by JSSE, as common.py's OwnPeer runs it.
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class JavaPeer {
  public static void main(String[] arguments) throws Exception {
    boolean isClient = arguments[0].equals("client");
    System.setProperty("jdk.tls.namedGroups", arguments[isClient ? 4 : 5]); // JSSE reads it when it is first used
    if (isClient) {
      client(Integer.parseInt(arguments[1]), arguments[2], arguments[3], arguments[5]);
    } else {
      server(Integer.parseInt(arguments[1]), arguments[2], arguments[3], arguments[4]);
    }
  }

  static String account(SSLSession session) {
    return String.format("account {\"version\": \"%s\", \"suite\": \"%s\", \"group\": null}\n", session.getProtocol(),
        session.getCipherSuite());
  }

  static void client(int port, String ca, String suite, String path) throws Exception {
    KeyStore roots = KeyStore.getInstance("PKCS12");
    roots.load(null, null);
    roots.setCertificateEntry("ca", certificates(ca)[0]);
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(roots);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("localhost", port)) {
      SSLParameters parameters = socket.getSSLParameters();
      parameters.setProtocols(new String[] {"TLSv1.3"});
      parameters.setCipherSuites(new String[] {suite});
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      socket.setSSLParameters(parameters);
      socket.startHandshake();
      System.out.print(account(socket.getSession()));
      socket.getOutputStream().write(("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
          .getBytes(StandardCharsets.US_ASCII));
      System.out.write(socket.getInputStream().readAllBytes());
      System.out.flush();
    }
  }

  static void server(int port, String certificate, String key, String suite) throws Exception {
    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null, null);
    own.setKeyEntry("own", privateKey(key), new char[0], certificates(certificate));
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(own, new char[0]);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    try (SSLServerSocket listener = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(port)) {
      listener.setEnabledProtocols(new String[] {"TLSv1.3"});
      listener.setEnabledCipherSuites(new String[] {suite});
      while (true) {
        try (SSLSocket socket = (SSLSocket) listener.accept()) {
          answer(socket);
        } catch (java.io.IOException error) {
          System.err.println(error);
        }
      }
    }
  }

  static void answer(SSLSocket socket) throws java.io.IOException {
    InputStream in = socket.getInputStream();
    StringBuilder request = new StringBuilder();
    while (request.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) return;
      request.append((char) next);
    }
    String page = account(socket.getSession());
    OutputStream out = socket.getOutputStream();
    out.write(("HTTP/1.1 200 OK\r\nContent-Length: " + page.length() + "\r\nConnection: close\r\n\r\n" + page)
        .getBytes(StandardCharsets.US_ASCII));
    out.flush();
  }

  static Certificate[] certificates(String file) throws Exception {
    try (InputStream in = Files.newInputStream(Path.of(file))) {
      return CertificateFactory.getInstance("X.509").generateCertificates(in).toArray(new Certificate[0]);
    }
  }

  static PrivateKey privateKey(String file) throws Exception {
    String text = Files.readString(Path.of(file)).replaceAll("-----[A-Z ]+-----|\\s", "");
    PKCS8EncodedKeySpec encoded = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text));
    for (String type : new String[] {"EC", "RSA", "Ed25519"}) {
      try {
        return KeyFactory.getInstance(type).generatePrivate(encoded);
      } catch (GeneralSecurityException other) {
        continue;
      }
    }
    throw new IllegalArgumentException("no key in " + file);
  }
}
