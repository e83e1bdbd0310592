//! What may be said of a card, by the names clients know it under.

use std::borrow::Cow;

use super::{Card, Encryption, TrackState, Tracks};
use crate::event::{Detail, Value};

impl Card {
    /// Everything that may be said of it beside when and where it was read. What is absent is not known,
    /// and flags are there only when they are set.
    #[must_use]
    pub fn details(&self) -> Vec<Detail> {
        let owned = |text: &String| Value::from(text.clone());
        let mut details: Vec<Detail> =
            vec![("kind", self.kind.word().into()), ("tracks", states(&self.tracks))];
        let words = [
            ("refused", self.refused.map(Value::from)),
            ("brand", self.brand.map(Value::from)),
            ("pan-masked", self.pan_masked.as_ref().map(owned)),
            ("number", self.number.as_ref().map(|number| Value::from(number.expose().to_owned()))),
            ("check-digit", self.check_digit.map(Value::Flag)),
            ("tracks-disagree", self.disagree.then_some(Value::Flag(true))),
            ("expiry", self.expiry.map(|expiry| expiry.to_string().into())),
        ];
        details.extend(words.into_iter().filter_map(|(name, value)| Some((name, value?))));
        if let Some(code) = self.service_code {
            let [area, authorisation, services] = code.meaning();
            let meaning =
                [("area", area), ("authorisation", authorisation), ("services", services)];
            details.push(("service-code", code.digits().into()));
            details.push(("chip", Value::Flag(code.has_chip())));
            details
                .push(("service", map(meaning.map(|(name, word)| (name, word.map(Value::from))))));
        }
        if let Some(token) = &self.token {
            details.push(("token", owned(&token.value)));
            details.push(("token-key-id", owned(&token.key_id)));
        }
        if let Some(encryption) = &self.encryption {
            encryption.tell(&mut details);
            let masked = self.masked.each().map(|(number, text)| (number.word(), text.as_ref()));
            details
                .push(("masked-tracks", map(masked.map(|(name, text)| (name, text.map(owned))))));
        }
        if self.takeable {
            details.push(("takeable", Value::Flag(true)));
        }
        details
    }
}

impl Encryption {
    fn tell(&self, details: &mut Vec<Detail>) {
        let bytes = |bytes: &Vec<u8>| Value::Bytes(bytes.clone());
        let of_tracks =
            self.tracks.each().map(|(number, of)| (number.word(), of.as_ref().map(bytes)));
        let lengths = self.lengths.each().map(|(number, of)| (number.word(), of.map(Value::Count)));
        details.push(("scheme", self.scheme.into()));
        details.extend(self.ksn.as_ref().map(|ksn| ("ksn", bytes(ksn))));
        details.push(("ciphertext", map(of_tracks)));
        details.push(("lengths", map(lengths)));
        details.extend(self.fields.iter().map(|(name, value)| (*name, bytes(value))));
    }
}

/// Each track that is not absent: `present`, or what is wrong with it.
fn states(tracks: &Tracks<TrackState>) -> Value {
    map(tracks.each().map(|(number, state)| {
        let state = match state {
            TrackState::Absent => None,
            TrackState::Present => Some("present".into()),
            TrackState::Bad(error) => Some(error.to_string().into()),
        };
        (number.word(), state)
    }))
}

/// What is there, by name.
fn map(entries: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    let entries = entries.into_iter().filter_map(|(name, value)| Some((Cow::from(name), value?)));
    Value::Map(entries.collect())
}
