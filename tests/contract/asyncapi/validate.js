// Is a document valid AsyncAPI? Reads it from the path given or from standard input; prints the diagnostics as JSON.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2] ?? 0, "utf8"));
const found = diagnostics.map(({ code, message, path, severity }) => ({ code, message, path: path.join("/"), severity }));
console.log(JSON.stringify({ valid: document !== undefined, diagnostics: found }));
