// What payment-card-magnetic-stripe-parser, tarot-js and aamva make of tracks: JSON in, JSON out, as gs1.py.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(process.argv[2] + "/");
const { parsePaymentCardMagneticStripe } = require("payment-card-magnetic-stripe-parser");
const Tarot = require("tarot-js");
const aamva = require("aamva");

// Number, year and month, or why not.
function track(text) {
  const { cards, errors } = parsePaymentCardMagneticStripe(text);
  const [card] = cards;
  return card ? [card.number, card.expirationDate] : String(errors[0].message);
}

// Number and month and year, as they stand in track 1.
function trackOne(text) {
  const found = new Tarot(text);
  return [found.number, found.expiration];
}

// State and issuer of a licence; nothing where it is none.
function licence(text) {
  try {
    const found = aamva.parse(text);
    return [found.state, found.iso_iin];
  } catch {
    return null;
  }
}

const questions = { tracks: track, "track-1": trackOne, licences: licence };
const asked = JSON.parse(readFileSync(0, "utf8"));
const answers = Object.entries(asked).map(([key, codes]) => [key, codes.map(questions[key])]);
process.stdout.write(JSON.stringify(Object.fromEntries(answers)));
