//! A QR code on a terminal and as SVG.

use std::env;
use std::io::{IsTerminal as _, stdout};

use qrcode::render::svg;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

use crate::error::Error;

/// A code that can be drawn.
pub(super) struct Drawing {
    code: QrCode,
}

impl Drawing {
    /// The code that carries this text, in UTF-8. Level M is what EPC069-12 demands and what the
    /// schemes of EMVCo's family print.
    pub(super) fn of(text: &str) -> Result<Self, Error> {
        QrCode::with_error_correction_level(text, EcLevel::M)
            .map(|code| Self { code })
            .map_err(|error| Error::failed(format!("no QR code holds this: {error}")))
    }

    /// Lines for a terminal, two rows of modules each, with the blank margin that readers need.
    pub(super) fn lines(&self) -> Vec<String> {
        let colour = has_colour();
        let mut image = self.code.render::<Dense1x2>();
        if !colour {
            // Letters are light and the ground is dark: a letter is then a light module.
            image.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark);
        }
        let text = image.quiet_zone(true).module_dimensions(1, 1).build();
        text.lines()
            .map(|line| if colour { black_on_white(line) } else { line.to_owned() })
            .collect()
    }

    /// A picture of its own, eight pixels a module where nothing else is asked.
    pub(super) fn svg(&self) -> String {
        let mut image = self.code.render::<svg::Color<'_>>();
        image.quiet_zone(true).module_dimensions(8, 8).build() + "\n"
    }
}

/// Black on white whatever the terminal's colours are: the fixed ones of the 256, which no theme changes.
fn black_on_white(line: &str) -> String {
    format!("\x1b[38;5;16;48;5;231m{line}\x1b[0m")
}

/// Not the taste that `NO_COLOR` tells of: without its own colours a code on a light ground is a negative.
fn has_colour() -> bool {
    stdout().is_terminal() && env::var_os("TERM").is_some_and(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_has_its_margin() {
        let drawing = Drawing::of("00020101").unwrap();
        let lines = drawing.lines();
        // Version 1: 21 modules and four on each side.
        assert!(lines.iter().all(|line| line.chars().count() == 29));
        assert_eq!(lines.len(), 15);
        assert!(lines[0].chars().all(|one| one == '\u{2588}'), "light modules are letters");
        assert!(drawing.svg().contains("width=\"232\" height=\"232\""));
    }

    #[test]
    fn more_than_fits_is_refused() {
        let error = Drawing::of(&"a".repeat(3_000)).err().unwrap();
        assert!(format!("{error:?}").contains("no QR code holds this"));
    }
}
