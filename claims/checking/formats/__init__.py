"""Reports as files: a page, a workbook, and what other tools read (SARIF, JUnit). Pure: values to bytes."""
