import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.security.cert.CertificateFactory;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;

/**
 * The JDK's verifier, timed inside its own process: reads lines "CERTIFICATE DOCUMENT COUNT" and answers each with the
 * nanoseconds that one parse and one verification took on average.
 */
public final class SignatureBench {
    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        XMLSignatureFactory signatures = XMLSignatureFactory.getInstance("DOM");
        DocumentBuilderFactory documents = DocumentBuilderFactory.newInstance();
        documents.setNamespaceAware(true);
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] parts = line.split(" ");
            byte[] certificate = Files.readAllBytes(Path.of(parts[0]));
            PublicKey key = CertificateFactory.getInstance("X.509")
                    .generateCertificate(new ByteArrayInputStream(certificate)).getPublicKey();
            byte[] data = Files.readAllBytes(Path.of(parts[1]));
            int count = Integer.parseInt(parts[2]);
            long started = System.nanoTime();
            for (int i = 0; i < count; i++) {
                Document document = documents.newDocumentBuilder().parse(new ByteArrayInputStream(data));
                DOMValidateContext context = new DOMValidateContext(
                        key, document.getElementsByTagNameNS(XMLSignature.XMLNS, "Signature").item(0));
                if (!signatures.unmarshalXMLSignature(context).validate(context)) {
                    throw new IllegalStateException("the signature does not verify");
                }
            }
            System.out.println((System.nanoTime() - started) / count);
        }
    }
}
