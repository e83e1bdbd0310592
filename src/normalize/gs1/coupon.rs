//! North American coupons, (8110) and (8112).
//!
//! Contract: pure, on the value behind the identifier. The first thing that is wrong is told.
//!
//! Sources: North American Coupon Application Guideline Using GS1 DataBar Expanded Symbols; GS1
//! AI (8112) Coupon Data Specification. A *length indicator* is a digit that says how many digits
//! follow it.

use super::Wrong;
use super::check::date;

/// What is left of a value, and where in it that begins.
struct Fields<'a> {
    rest: &'a [u8],
    at: usize,
}

type Outcome = Result<(), (usize, Wrong)>;

impl<'a> Fields<'a> {
    fn of(value: &'a [u8]) -> Result<Self, (usize, Wrong)> {
        match value.iter().position(|byte| !byte.is_ascii_digit()) {
            Some(at) => Err((at, Wrong::Character)),
            None => Ok(Self { rest: value, at: 0 }),
        }
    }

    fn wrong(&self) -> (usize, Wrong) {
        (self.at, Wrong::Coupon)
    }

    fn take(&mut self, digits: usize) -> Result<&'a [u8], (usize, Wrong)> {
        let (taken, rest) = self.rest.split_at_checked(digits).ok_or(self.wrong())?;
        self.rest = rest;
        self.at += digits;
        Ok(taken)
    }

    /// One digit out of these.
    fn one_of(&mut self, accepted: &[u8]) -> Result<u8, (usize, Wrong)> {
        let wrong = self.wrong();
        match self.take(1)? {
            [digit] if accepted.contains(digit) => Ok(*digit),
            _ => Err(wrong),
        }
    }

    /// A length indicator out of these, and so many digits, and `more` of them.
    fn sized(&mut self, accepted: &[u8], more: usize) -> Outcome {
        let digits = usize::from(self.one_of(accepted)? - b'0') + more;
        self.take(digits).map(drop)
    }

    /// How much must be bought, what is counted, and which family it is of.
    fn requirement(&mut self) -> Outcome {
        self.sized(b"12345", 0)?;
        self.one_of(b"012349")?;
        self.take(3).map(drop)
    }

    /// The same of a further purchase, which may be from another company: 9 says from the first.
    fn further_purchase(&mut self) -> Outcome {
        self.requirement()?;
        if self.rest.first() == Some(&b'9') {
            return self.take(1).map(drop);
        }
        self.sized(b"0123456", 6)
    }

    /// Whether the optional field of this number begins here; it is then passed over.
    fn begins(&mut self, number: u8) -> bool {
        let begins = self.rest.first() == Some(&number);
        if begins {
            // The digit is there.
            let _ = self.take(1);
        }
        begins
    }

    fn date(&mut self) -> Result<&'a [u8], (usize, Wrong)> {
        let start = self.at;
        let digits = self.take(6)?;
        date(digits, false).map_err(|(at, wrong)| (start + at, wrong))?;
        Ok(digits)
    }
}

/// (8110): a coupon by itself.
pub(super) fn check(value: &[u8]) -> Outcome {
    let mut fields = Fields::of(value)?;
    // The company, the offer, what is saved, what must be bought.
    fields.sized(b"0123456", 6)?;
    fields.take(6)?;
    fields.sized(b"12345", 0)?;
    fields.requirement()?;
    if fields.begins(b'1') {
        fields.one_of(b"0123")?;
        fields.further_purchase()?;
    }
    if fields.begins(b'2') {
        fields.further_purchase()?;
    }
    let ends = if fields.begins(b'3') { Some(fields.date()?) } else { None };
    if fields.begins(b'4') {
        let at = fields.at;
        let starts = fields.date()?;
        // Compared as they stand, like the guideline's own validators do: within one century.
        if ends.is_some_and(|ends| ends < starts) {
            return Err((at, Wrong::Date));
        }
    }
    if fields.begins(b'5') {
        fields.sized(b"0123456789", 6)?;
    }
    if fields.begins(b'6') {
        fields.sized(b"1234567", 6)?;
    }
    if fields.begins(b'9') {
        // What the saving is, what it applies to, the store's own coupon, not to be multiplied.
        fields.one_of(b"01256")?;
        fields.one_of(b"012")?;
        fields.take(1)?;
        fields.one_of(b"01")?;
    }
    if fields.rest.is_empty() { Ok(()) } else { Err(fields.wrong()) }
}

/// (8112): a coupon in the positive offer file. Format, funder, offer, serial number.
pub(super) fn check_offer(value: &[u8]) -> Outcome {
    let mut fields = Fields::of(value)?;
    fields.one_of(b"01")?;
    fields.sized(b"0123456", 6)?;
    fields.take(6)?;
    fields.sized(b"0123456789", 6)?;
    if fields.rest.is_empty() { Ok(()) } else { Err(fields.wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coupons() {
        let wrong = |at| Some((at, Wrong::Coupon));
        for (name, value, want) in [
            // The usual sample, found in the tests of several encoders.
            ("the sample", "106141416543213500110000310123196000", None),
            ("its first part alone", "106141416543213500110000", None),
            ("an impossible date", "106141416543213500110000310133196000", Some((27, Wrong::Date))),
            (
                "ends before it starts",
                "10614141654321350011000032601314260201",
                Some((32, Wrong::Date)),
            ),
            ("a second purchase", "1061414165432135001100001011012310614141", None),
            ("one of the same company", "106141416543213500110000101101239", None),
            ("fields in the wrong order", "10614141654321350011000042601013260131", wrong(31)),
            ("an unknown company length", "70614141654321350011000", wrong(0)),
            ("cut short", "10614141654321350011", wrong(20)),
            ("letters", "1061414A", Some((7, Wrong::Character))),
        ] {
            assert_eq!(check(value.as_bytes()).err(), want, "{name}");
        }
    }

    #[test]
    fn offers() {
        let wrong = |at| Some((at, Wrong::Coupon));
        for (name, value, want) in [
            // GS1 Barcode Syntax Dictionary, tests of `couponposoffer`.
            ("the shortest", "001234561234560123456", None),
            ("the longest", "061234567890121234569123456789012345", None),
            ("an unknown format", "201234561234560123456", wrong(0)),
            ("more than its lengths say", "0012345612345601234567", wrong(21)),
            ("less than its lengths say", "00123456123456012345", wrong(15)),
        ] {
            assert_eq!(check_offer(value.as_bytes()).err(), want, "{name}");
        }
    }
}
