/*
 * libxmlsec1's verifier, called from C and timed inside its own process: reads lines "CERTIFICATE DOCUMENT COUNT" and
 * answers each with the nanoseconds of CPU that one parse and one verification took on average.
 */
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xmlsec/crypto.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

static char *read_file(const char *path, int *size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) exit(2);
    fseek(file, 0, SEEK_END);
    *size = (int)ftell(file);
    rewind(file);
    char *data = malloc((size_t)*size);
    if (data == NULL || fread(data, 1, (size_t)*size, file) != (size_t)*size) exit(2);
    fclose(file);
    return data;
}

static int verify(const char *data, int size, xmlSecKeyPtr key) {
    xmlDocPtr document = xmlReadMemory(data, size, NULL, NULL, XML_PARSE_NONET | XML_PARSE_HUGE);
    xmlNodePtr node = document == NULL
        ? NULL : xmlSecFindNode(xmlDocGetRootElement(document), xmlSecNodeSignature, xmlSecDSigNs);
    xmlSecDSigCtxPtr context = xmlSecDSigCtxCreate(NULL);
    if (node == NULL || context == NULL) return 0;
    context->signKey = xmlSecKeyDuplicate(key);
    int is_right = xmlSecDSigCtxVerify(context, node) >= 0 && context->status == xmlSecDSigStatusSucceeded;
    xmlSecDSigCtxDestroy(context);
    xmlFreeDoc(document);
    return is_right;
}

static long long cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(void) {
    char certificate[1024], path[1024];
    int count, size;
    xmlInitParser();
    if (xmlSecInit() < 0 || xmlSecCryptoAppInit(NULL) < 0 || xmlSecCryptoInit() < 0) return 2;
    while (scanf("%1023s %1023s %d", certificate, path, &count) == 3) {
        xmlSecKeyPtr key = xmlSecCryptoAppKeyLoad(certificate, xmlSecKeyDataFormatCertDer, NULL, NULL, NULL);
        char *data = read_file(path, &size);
        if (key == NULL) return 2;
        long long started = cpu_ns();
        for (int i = 0; i < count; i++)
            if (!verify(data, size, key)) {
                fprintf(stderr, "the signature does not verify\n");
                return 1;
            }
        printf("%lld\n", (cpu_ns() - started) / count);
        fflush(stdout);
        free(data);
        xmlSecKeyDestroy(key);
    }
    return 0;
}
