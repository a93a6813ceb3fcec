"""The names of XAdES: namespaces and element names of EN 319 132-1 that are written or read here."""

from typing import Final

XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
XADES_141: Final = "http://uri.etsi.org/01903/v1.4.1#"
SIGNED_PROPERTIES_TYPE: Final = "http://uri.etsi.org/01903#SignedProperties"

_X: Final = f"{{{XADES}}}"
QUALIFYING_PROPERTIES: Final = f"{_X}QualifyingProperties"
SIGNED_PROPERTIES: Final = f"{_X}SignedProperties"
UNSIGNED_PROPERTIES: Final = f"{_X}UnsignedProperties"
SIGNED_SIGNATURE_PROPERTIES: Final = f"{_X}SignedSignatureProperties"
SIGNED_DATA_OBJECT_PROPERTIES: Final = f"{_X}SignedDataObjectProperties"
UNSIGNED_SIGNATURE_PROPERTIES: Final = f"{_X}UnsignedSignatureProperties"
UNSIGNED_DATA_OBJECT_PROPERTIES: Final = f"{_X}UnsignedDataObjectProperties"

SIGNING_TIME: Final = f"{_X}SigningTime"
SIGNING_CERTIFICATE: Final = f"{_X}SigningCertificate"
SIGNING_CERTIFICATE_V2: Final = f"{_X}SigningCertificateV2"
CERT: Final = f"{_X}Cert"
CERT_DIGEST: Final = f"{_X}CertDigest"
ISSUER_SERIAL: Final = f"{_X}IssuerSerial"
ISSUER_SERIAL_V2: Final = f"{_X}IssuerSerialV2"
SIGNATURE_POLICY_IDENTIFIER: Final = f"{_X}SignaturePolicyIdentifier"
SIGNATURE_POLICY_IMPLIED: Final = f"{_X}SignaturePolicyImplied"
DATA_OBJECT_FORMAT: Final = f"{_X}DataObjectFormat"

# Said by the signer about himself or the data; nothing is decided on them here.
STATEMENTS: Final = frozenset(
    f"{_X}{name}"
    for name in (
        "SignatureProductionPlace",
        "SignatureProductionPlaceV2",
        "SignerRole",
        "SignerRoleV2",
        "CommitmentTypeIndication",
    )
)

SIGNATURE_TIMESTAMP: Final = f"{_X}SignatureTimeStamp"
ENCAPSULATED_TIMESTAMP: Final = f"{_X}EncapsulatedTimeStamp"
CERTIFICATE_VALUES: Final = f"{_X}CertificateValues"
ENCAPSULATED_CERTIFICATE: Final = f"{_X}EncapsulatedX509Certificate"
OTHER_CERTIFICATE: Final = f"{_X}OtherCertificate"
REVOCATION_VALUES: Final = f"{_X}RevocationValues"
CRL_VALUES: Final = f"{_X}CRLValues"
ENCAPSULATED_CRL: Final = f"{_X}EncapsulatedCRLValue"
OCSP_VALUES: Final = f"{_X}OCSPValues"
ENCAPSULATED_OCSP: Final = f"{_X}EncapsulatedOCSPValue"
OTHER_VALUES: Final = f"{_X}OtherValues"
ARCHIVE_TIMESTAMP: Final = f"{{{XADES_141}}}ArchiveTimeStamp"
TIMESTAMP_VALIDATION_DATA: Final = f"{{{XADES_141}}}TimeStampValidationData"

DER_ENCODING: Final = "http://uri.etsi.org/01903/v1.2.2#DER"
BER_ENCODING: Final = "http://uri.etsi.org/01903/v1.2.2#BER"
