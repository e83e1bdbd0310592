//! Fields of the EMVCo merchant-presented code: two digits for what, two for how long, the value.
//!
//! Contract: pure. EMV QRCPS Merchant-Presented Mode 1.1, 3.1 to 3.3. Lengths count characters; some
//! generators count the bytes of UTF-8 instead, which a reader can tell only by trying.

/// One field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its number, 0 to 99.
    pub id: u8,
    /// Its value.
    pub value: &'a str,
}

/// What a length counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lengths {
    /// Characters, as the specification has it.
    Characters,
    /// Bytes of UTF-8.
    Bytes,
}

/// The fields end within one, or something stands where a number should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where, in bytes from the beginning.
    pub at: usize,
}

/// All fields of a text.
///
/// # Errors
///
/// Where the text is not made of fields to its end.
pub fn fields(text: &str, lengths: Lengths) -> Result<Vec<Field<'_>>, Malformed> {
    let mut fields = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let malformed = Malformed { at: text.len() - rest.len() };
        let (id, after) = number(rest).ok_or(malformed)?;
        let (length, after) = number(after).ok_or(malformed)?;
        let (value, after) = split(after, length, lengths).ok_or(malformed)?;
        fields.push(Field { id, value });
        rest = after;
    }
    Ok(fields)
}

/// Two digits, and what follows them.
fn number(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.split_at_checked(2)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((digits.parse().ok()?, rest))
}

fn split(text: &str, length: u8, lengths: Lengths) -> Option<(&str, &str)> {
    let length = usize::from(length);
    let end = match lengths {
        Lengths::Bytes => length,
        Lengths::Characters => {
            let mut ends = text.char_indices().map(|(place, _)| place).chain([text.len()]);
            ends.nth(length)?
        }
    };
    text.split_at_checked(end)
}

/// Adds a field; `false` where the value has more than 99 characters, and then nothing is added.
#[must_use]
pub fn push(text: &mut String, id: u8, value: &str) -> bool {
    let length = value.chars().count();
    let fits = length <= LONGEST && id <= 99;
    if fits {
        text.push_str(&format!("{id:02}{length:02}{value}"));
    }
    fits
}

/// The most characters of a field.
pub const LONGEST: usize = 99;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_taken_apart_by_characters_or_bytes() {
        let field = |id, value| Field { id, value };
        let (by_characters, by_bytes) = (Lengths::Characters, Lengths::Bytes);
        for (name, text, lengths, want) in [
            ("none", "", by_characters, Ok(vec![])),
            ("two", "000201630412AB", by_characters, Ok(vec![field(0, "01"), field(63, "12AB")])),
            ("an empty one", "0100", by_characters, Ok(vec![field(1, "")])),
            (
                "characters",
                "0102北京0201x",
                by_characters,
                Ok(vec![field(1, "北京"), field(2, "x")]),
            ),
            ("bytes", "0106北京0201x", by_bytes, Ok(vec![field(1, "北京"), field(2, "x")])),
            ("bytes, one cut", "0105北京0201x", by_bytes, Err(Malformed { at: 0 })),
            ("too short", "0002010305ab", by_characters, Err(Malformed { at: 6 })),
            ("no number", "0002010x02ab", by_characters, Err(Malformed { at: 6 })),
            ("a sign is no digit", "+102ab", by_characters, Err(Malformed { at: 0 })),
            ("cut in the length", "0002010", by_characters, Err(Malformed { at: 6 })),
        ] {
            assert_eq!(fields(text, lengths), want, "{name}");
        }
    }

    #[test]
    fn what_is_pushed_reads_back() {
        let mut text = String::new();
        assert!(push(&mut text, 59, "Käse") && push(&mut text, 5, ""));
        assert!(!push(&mut text, 60, &"x".repeat(100)));
        assert_eq!(text, "5904Käse0500");
        let want = [Field { id: 59, value: "Käse" }, Field { id: 5, value: "" }];
        assert_eq!(fields(&text, Lengths::Characters).unwrap(), want);
    }
}
