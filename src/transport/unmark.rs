//! The kernel's marks in a byte stream (`PARMRK`, termios(3)), taken out again.
//!
//! Contract: pure. `FF 00 n` is a byte n that came with a parity or framing error, `FF 00 00` a
//! break, `FF FF` the plain byte FF. A read may end anywhere in a mark.
//!
//! A bad byte that is itself 00 cannot be told from a break; it is reported as one.

use crate::protocol::Input;

const MARK: u8 = 0xFF;

/// Decodes marks across reads, without copying a byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unmark {
    seen: Seen,
}

/// How much of a mark the stream has shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    Nothing,
    Mark,
    MarkZero,
}

impl Unmark {
    /// Hands on what one read gave.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut (dyn FnMut(Input<'_>) + Send)) {
        let mut start = 0;
        for (index, &byte) in bytes.iter().enumerate() {
            match (self.seen, byte) {
                (Seen::Nothing, MARK) => {
                    Self::plain(bytes.get(start..index), sink);
                    self.seen = Seen::Mark;
                    start = index + 1;
                }
                (Seen::Nothing, _) => {}
                (Seen::Mark, 0) => {
                    self.seen = Seen::MarkZero;
                    start = index + 1;
                }
                (Seen::Mark, other) => {
                    // Doubled, the second FF starts the next plain run. The kernel puts nothing
                    // else behind a mark; were it to, both bytes are data.
                    if other != MARK {
                        sink(Input::Bytes(&[MARK]));
                    }
                    self.seen = Seen::Nothing;
                    start = index;
                }
                (Seen::MarkZero, byte) => {
                    sink(if byte == 0 { Input::Break } else { Input::BadByte(byte) });
                    self.seen = Seen::Nothing;
                    start = index + 1;
                }
            }
        }
        Self::plain(bytes.get(start..), sink);
    }

    fn plain(run: Option<&[u8]>, sink: &mut (dyn FnMut(Input<'_>) + Send)) {
        if let Some(run) = run.filter(|run| !run.is_empty()) {
            sink(Input::Bytes(run));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One thing heard, plain bytes joined: how they were cut is not part of the meaning.
    #[derive(Clone, Debug, PartialEq, Eq)]
    enum Heard {
        Bytes(Vec<u8>),
        Bad(u8),
        Break,
    }

    fn hear<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> Vec<Heard> {
        let mut unmark = Unmark::default();
        let mut heard = Vec::new();
        for read in reads {
            unmark.feed(read, &mut |input| match input {
                Input::Bytes(bytes) => match heard.last_mut() {
                    Some(Heard::Bytes(before)) => before.extend_from_slice(bytes),
                    _ => heard.push(Heard::Bytes(bytes.to_vec())),
                },
                Input::BadByte(byte) => heard.push(Heard::Bad(byte)),
                Input::Break => heard.push(Heard::Break),
                Input::Descriptor(_) | Input::Report { .. } => panic!("a line has no reports"),
            });
        }
        heard
    }

    #[test]
    fn marks() {
        let bytes = |bytes: &[u8]| Heard::Bytes(bytes.to_vec());
        let rows: &[(&str, &[u8], Vec<Heard>)] = &[
            ("nothing", b"", vec![]),
            ("plain bytes", b"4006\r", vec![bytes(b"4006\r")]),
            ("a doubled FF", b"a\xFF\xFFb", vec![bytes(b"a\xFFb")]),
            ("two doubled FF", b"\xFF\xFF\xFF\xFF", vec![bytes(b"\xFF\xFF")]),
            ("a bad byte", b"a\xFF\x00bc", vec![bytes(b"a"), Heard::Bad(b'b'), bytes(b"c")]),
            ("a bad FF", b"\xFF\x00\xFFc", vec![Heard::Bad(0xFF), bytes(b"c")]),
            ("a break", b"a\xFF\x00\x00b", vec![bytes(b"a"), Heard::Break, bytes(b"b")]),
            ("a plain 00 after FF FF", b"\xFF\xFF\x00\x01", vec![bytes(b"\xFF\x00\x01")]),
            ("an FF that marks nothing", b"\xFFab", vec![bytes(b"\xFFab")]),
        ];
        for (name, input, want) in rows {
            assert_eq!(&hear([*input]), want, "{name}, whole");
            assert_eq!(&hear(input.chunks(1)), want, "{name}, byte by byte");
        }
    }

    proptest! {
        #[test]
        fn what_the_kernel_would_mark_comes_back_at_any_split(
            data in proptest::collection::vec(any::<u8>(), 0..200),
            split in 1_usize..9,
        ) {
            let marked: Vec<u8> = data
                .iter()
                .flat_map(|&byte| if byte == MARK { vec![MARK, MARK] } else { vec![byte] })
                .collect();
            let want = if data.is_empty() { vec![] } else { vec![Heard::Bytes(data)] };
            prop_assert_eq!(hear(marked.chunks(split)), want);
        }
    }
}
