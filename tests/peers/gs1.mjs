// What bwip-js and digital-link.js make of codes: JSON in, JSON out, as gs1.py.
// bwip-js says nothing of a code that it takes, and throws where it does not: the answer is "" or the
// name of its error.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(process.argv[2] + "/");
const bwipjs = require("bwip-js");
const { DigitalLink } = require("digital-link.js");

function taken(bcid, options) {
  return (text) => {
    try {
      bwipjs.raw({ bcid, text, ...options });
      return "";
    } catch (error) {
      return String(error.message ?? error).replace(/^bwipp\./, "").replace(/[#:].*$/s, "");
    }
  };
}

function link(address) {
  try {
    const found = DigitalLink(address);
    if (!found.isValid()) return null;
    return { ...found.getIdentifier(), ...found.getKeyQualifiers(), ...found.getAttributes() };
  } catch {
    return null;
  }
}

const questions = {
  "element-strings": taken("gs1datamatrix", { lintreqs: false }),
  "element-strings-with-associations": taken("gs1datamatrix", {}),
  links: taken("gs1dldatamatrix", {}),
  "links-by-grammar": link,
};

const asked = JSON.parse(readFileSync(0, "utf8"));
const answers = Object.entries(asked).map(([key, codes]) => [key, codes.map(questions[key])]);
process.stdout.write(JSON.stringify(Object.fromEntries(answers)));
