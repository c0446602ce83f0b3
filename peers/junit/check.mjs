// Holds a JUnit report on standard input against the XML schema in the file that the first argument names, with libxml2's xmllint.
// It ends with 1 when the report does not follow it, and says where.
import { readFileSync } from 'node:fs'
import { validateXML } from 'xmllint-wasm'

const schema = readFileSync(process.argv[2], 'utf8')
const report = readFileSync(0, 'utf8')
const result = await validateXML({ xml: { fileName: 'report.xml', contents: report }, schema })
for (const error of result.errors) console.error(error.rawMessage)
process.exitCode = result.valid ? 0 : 1
