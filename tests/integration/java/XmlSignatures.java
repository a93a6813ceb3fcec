import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.security.Key;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.xml.crypto.AlgorithmMethod;
import javax.xml.crypto.KeySelector;
import javax.xml.crypto.KeySelectorException;
import javax.xml.crypto.KeySelectorResult;
import javax.xml.crypto.XMLCryptoContext;
import javax.xml.crypto.XMLStructure;
import javax.xml.crypto.dsig.CanonicalizationMethod;
import javax.xml.crypto.dsig.Reference;
import javax.xml.crypto.dsig.SignatureMethod;
import javax.xml.crypto.dsig.SignedInfo;
import javax.xml.crypto.dsig.Transform;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMSignContext;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.crypto.dsig.keyinfo.KeyInfo;
import javax.xml.crypto.dsig.keyinfo.KeyInfoFactory;
import javax.xml.crypto.dsig.keyinfo.X509Data;
import javax.xml.crypto.dsig.spec.C14NMethodParameterSpec;
import javax.xml.crypto.dsig.spec.RSAPSSParameterSpec;
import javax.xml.crypto.dsig.spec.TransformParameterSpec;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.w3c.dom.Document;
import org.w3c.dom.Node;

/**
 * The JDK's XML signatures as a second opinion, many documents in one process.
 *
 * <pre>
 * verify FILE...                                             one line per file: true, false or the exception
 * sign (P12 PASSPHRASE IN OUT SIGNATURE C14N TRANSFORM PREFIX)...   TRANSFORM and PREFIX may be "-"
 *
 * A SIGNATURE that has parameters is followed by a blank and the hash that they name: "...#rsa-pss SHA-256".
 * </pre>
 */
public final class XmlSignatures {
    private static final XMLSignatureFactory FACTORY = XMLSignatureFactory.getInstance("DOM");
    private static final Map<String, KeyStore.PrivateKeyEntry> ENTRIES = new HashMap<>();

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("verify")) {
            for (int i = 1; i < arguments.length; i++) {
                System.out.println(verify(arguments[i]));
            }
        } else {
            for (int i = 1; i < arguments.length; i += 8) {
                sign(arguments, i);
            }
        }
    }

    private static Document parse(String path) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        return factory.newDocumentBuilder().parse(new File(path));
    }

    private static String verify(String path) {
        try {
            Node node = parse(path).getElementsByTagNameNS(XMLSignature.XMLNS, "Signature").item(0);
            DOMValidateContext context = new DOMValidateContext(new FromCertificate(), node);
            return Boolean.toString(FACTORY.unmarshalXMLSignature(context).validate(context));
        } catch (Exception exception) {
            return exception.toString().replace('\n', ' ');
        }
    }

    private static KeyStore.PrivateKeyEntry open(String path, char[] passphrase) throws Exception {
        KeyStore.PrivateKeyEntry entry = ENTRIES.get(path);
        if (entry == null) {
            KeyStore store = KeyStore.getInstance("PKCS12");
            try (FileInputStream input = new FileInputStream(path)) {
                store.load(input, passphrase);
            }
            String alias = store.aliases().nextElement();
            entry = (KeyStore.PrivateKeyEntry) store.getEntry(alias, new KeyStore.PasswordProtection(passphrase));
            // Decrypting it takes 0.1 s on purpose.
            ENTRIES.put(path, entry);
        }
        return entry;
    }

    private static SignatureMethod method(String said) throws Exception {
        String[] parts = said.split(" ");
        if (parts.length == 1) {
            return FACTORY.newSignatureMethod(said, null);
        }
        int salt = Integer.parseInt(parts[1].substring(4)) / 8;
        return FACTORY.newSignatureMethod(parts[0], new RSAPSSParameterSpec(
            new PSSParameterSpec(parts[1], "MGF1", new MGF1ParameterSpec(parts[1]), salt, 1)));
    }

    private static void sign(String[] arguments, int at) throws Exception {
        KeyStore.PrivateKeyEntry entry = open(arguments[at], arguments[at + 1].toCharArray());
        PrivateKey key = entry.getPrivateKey();
        X509Certificate certificate = (X509Certificate) entry.getCertificate();

        List<Transform> transforms = new ArrayList<>();
        transforms.add(FACTORY.newTransform(Transform.ENVELOPED, (TransformParameterSpec) null));
        if (!arguments[at + 6].equals("-")) {
            transforms.add(FACTORY.newTransform(arguments[at + 6], (TransformParameterSpec) null));
        }
        Reference reference = FACTORY.newReference(
            "", FACTORY.newDigestMethod("http://www.w3.org/2001/04/xmlenc#sha256", null), transforms, null, null);
        CanonicalizationMethod c14n =
            FACTORY.newCanonicalizationMethod(arguments[at + 5], (C14NMethodParameterSpec) null);
        SignedInfo signedInfo = FACTORY.newSignedInfo(c14n, method(arguments[at + 4]), List.of(reference));
        KeyInfoFactory keyInfos = FACTORY.getKeyInfoFactory();
        X509Data data = keyInfos.newX509Data(
            List.of(certificate.getSubjectX500Principal().getName(), certificate));
        KeyInfo keyInfo = keyInfos.newKeyInfo(List.of(data));

        Document document = parse(arguments[at + 2]);
        Node container = document.getElementsByTagName("CHUKYDONVI").item(0);
        DOMSignContext context = new DOMSignContext(key, container);
        if (!arguments[at + 7].equals("-")) {
            context.setDefaultNamespacePrefix(arguments[at + 7]);
        }
        FACTORY.newXMLSignature(signedInfo, keyInfo).sign(context);
        try (FileOutputStream output = new FileOutputStream(arguments[at + 3])) {
            TransformerFactory.newInstance().newTransformer()
                .transform(new DOMSource(document), new StreamResult(output));
        }
    }

    private static final class FromCertificate extends KeySelector {
        @Override
        public KeySelectorResult select(KeyInfo info, Purpose purpose, AlgorithmMethod method, XMLCryptoContext context)
                throws KeySelectorException {
            for (XMLStructure structure : info.getContent()) {
                if (structure instanceof X509Data) {
                    for (Object object : ((X509Data) structure).getContent()) {
                        if (object instanceof X509Certificate) {
                            Key key = ((X509Certificate) object).getPublicKey();
                            return () -> key;
                        }
                    }
                }
            }
            throw new KeySelectorException("no certificate");
        }
    }
}
