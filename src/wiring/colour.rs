//! The colours of wires, and what colour each contact's wire has in the cords that one buys.

use std::fmt;

use super::connector::{Position, Shape};

/// One colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "colours")]
pub enum Hue {
    Black,
    Brown,
    Red,
    Orange,
    Yellow,
    Green,
    Blue,
    Violet,
    Grey,
    White,
    Pink,
    Turquoise,
}

/// Words, and how each looks on paper.
const HUES: [(&str, Hue, &str); 12] = [
    ("black", Hue::Black, "#1c1c1c"),
    ("brown", Hue::Brown, "#8a5a2b"),
    ("red", Hue::Red, "#d0021b"),
    ("orange", Hue::Orange, "#f08000"),
    ("yellow", Hue::Yellow, "#f2c200"),
    ("green", Hue::Green, "#1f9d3a"),
    ("blue", Hue::Blue, "#1668c7"),
    ("violet", Hue::Violet, "#7a3fb0"),
    ("grey", Hue::Grey, "#8c8c8c"),
    ("white", Hue::White, "#ffffff"),
    ("pink", Hue::Pink, "#f29bb8"),
    ("turquoise", Hue::Turquoise, "#12b5b0"),
];

/// A wire's colour, with the colour of its stripe where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Colour {
    /// The colour of most of it.
    pub hue: Hue,
    /// The stripe's.
    pub stripe: Option<Hue>,
}

impl Hue {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        HUES.iter().find(|(_, hue, _)| *hue == self).map_or("", |(word, ..)| word)
    }

    /// As a picture has it, `#rrggbb`.
    #[must_use]
    pub fn paint(self) -> &'static str {
        HUES.iter().find(|(_, hue, _)| *hue == self).map_or("", |(.., paint)| paint)
    }

    fn parse(word: &str) -> Option<Self> {
        HUES.iter().find(|(known, ..)| *known == word).map(|(_, hue, _)| *hue)
    }
}

impl Colour {
    /// Every word that [`Self::parse`] takes on either side of the `/`.
    pub fn words() -> impl Iterator<Item = &'static str> {
        HUES.iter().map(|(word, ..)| *word)
    }

    /// Reads `green` and `white/orange`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some((hue, stripe)) = text.split_once('/') else {
            return Hue::parse(text).map(Self::from);
        };
        Some(Self { hue: Hue::parse(hue)?, stripe: Some(Hue::parse(stripe)?) })
    }

    /// The colour that a flat modular cord has at a contact of its first plug.
    ///
    /// Six wires are white, black, red, green, yellow, blue, and four are the middle four of these.
    /// Eight are as modular-to-D adapters and flat eight-wire cords have them: Digi's cable guide
    /// 90000253 and the adapters sold today agree. Ten have no common order.
    #[must_use]
    pub fn of_flat_cord(shape: Shape, position: Position) -> Option<Self> {
        const SIX: [Hue; 6] =
            [Hue::White, Hue::Black, Hue::Red, Hue::Green, Hue::Yellow, Hue::Blue];
        const EIGHT: [Hue; 8] = [
            Hue::Blue,
            Hue::Orange,
            Hue::Black,
            Hue::Red,
            Hue::Green,
            Hue::Yellow,
            Hue::Brown,
            Hue::White,
        ];
        let index = usize::from(position.0).checked_sub(1)?;
        let hues: &[Hue] = match shape {
            // A handset's cord has the middle four of the six.
            Shape::Rj9 => SIX.get(1..5)?,
            Shape::Rj11 | Shape::Rj12 => &SIX,
            Shape::Rj45 => &EIGHT,
            _ => return None,
        };
        hues.get(index).copied().map(Self::from)
    }
}

impl From<Hue> for Colour {
    fn from(hue: Hue) -> Self {
        Self { hue, stripe: None }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.hue.word())?;
        match self.stripe {
            Some(stripe) => write!(formatter, "/{}", stripe.word()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_written_as_they_are_read() {
        for text in ["green", "white/orange", "turquoise", "grey/pink"] {
            assert_eq!(Colour::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "gold", "white/", "/red", "white/orange/red", "Green"] {
            assert_eq!(Colour::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_middle_four_of_six() {
        let word =
            |shape, place| Colour::of_flat_cord(shape, Position(place)).map(|c| c.hue.word());
        assert_eq!(word(Shape::Rj11, 2), Some("black"));
        assert_eq!(word(Shape::Rj12, 6), Some("blue"));
        assert_eq!(word(Shape::Rj9, 1), word(Shape::Rj11, 2));
        assert_eq!((word(Shape::Rj45, 8), word(Shape::Rj45, 9)), (Some("white"), None));
        assert_eq!((word(Shape::Rj12, 0), word(Shape::De9, 1)), (None, None));
    }
}
