//! The few shapes that a drawing is made of, as SVG.

use std::fmt::Write as _;

/// A sheet being drawn, in points.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    body: String,
}

/// How a text stands at its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Font {
    /// Its height.
    pub(super) size: i32,
    /// Its colour.
    pub(super) paint: &'static str,
    /// Whether it is bold.
    pub(super) is_bold: bool,
    /// `start`, `middle` or `end`.
    pub(super) anchor: &'static str,
}

/// Text as it mostly is.
pub(super) const PLAIN: Font = Font { size: 14, paint: INK, is_bold: false, anchor: "start" };

pub(super) const INK: &str = "#1c1c1c";
pub(super) const FAINT: &str = "#6b6b6b";
pub(super) const ALARM: &str = "#b00020";
pub(super) const PAPER: &str = "#ffffff";

impl Font {
    pub(super) const fn sized(self, size: i32) -> Self {
        Self { size, ..self }
    }

    pub(super) const fn bold(self) -> Self {
        Self { is_bold: true, ..self }
    }

    pub(super) const fn in_paint(self, paint: &'static str) -> Self {
        Self { paint, ..self }
    }

    pub(super) const fn middle(self) -> Self {
        Self { anchor: "middle", ..self }
    }

    pub(super) const fn end(self) -> Self {
        Self { anchor: "end", ..self }
    }
}

impl Sheet {
    /// The whole file.
    pub(super) fn finish(self, width: i32, height: i32, title: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"DejaVu Sans, Verdana, sans-serif\">\n\
             <title>{}</title>\n\
             <rect x=\"0\" y=\"0\" width=\"{width}\" height=\"{height}\" fill=\"{PAPER}\"/>\n\
             {}</svg>\n",
            escape(title),
            self.body
        )
    }

    fn put(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    pub(super) fn text(&mut self, (x, y): (i32, i32), font: Font, text: &str) {
        let Font { size, paint, is_bold, anchor } = font;
        let weight = if is_bold { " font-weight=\"bold\"" } else { "" };
        self.put(&format!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{paint}\" \
             text-anchor=\"{anchor}\"{weight}>{}</text>",
            escape(text)
        ));
    }

    /// Text in lines of this width; where the next line would stand.
    pub(super) fn paragraph(
        &mut self,
        (x, y): (i32, i32),
        font: Font,
        width: i32,
        text: &str,
    ) -> i32 {
        let mut y = y;
        for line in wrap(text, letters(width, font)) {
            self.text((x, y), font, &line);
            y += font.size * 4 / 3;
        }
        y
    }

    pub(super) fn rect(&mut self, (x, y): (i32, i32), (width, height): (i32, i32), style: &str) {
        self.put(&format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" {style}/>"
        ));
    }

    pub(super) fn circle(&mut self, (x, y): (i32, i32), radius: i32, style: &str) {
        self.put(&format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" {style}/>"));
    }

    pub(super) fn path(&mut self, data: &str, style: &str) {
        self.put(&format!("<path d=\"{data}\" {style}/>"));
    }

    /// A wire: a dark edge, its colour, and its stripe.
    pub(super) fn wire(&mut self, data: &str, paint: &str, stripe: Option<&str>) {
        let line = |paint: &str, width: i32| {
            format!("fill=\"none\" stroke=\"{paint}\" stroke-width=\"{width}\"")
        };
        self.path(data, &line("#ffffff", 10));
        self.path(data, &line("#3a3a3a", 6));
        self.path(data, &line(paint, 4));
        if let Some(stripe) = stripe {
            self.path(data, &format!("{} stroke-dasharray=\"6 8\"", line(stripe, 4)));
        }
    }
}

/// How many letters go into a width. DejaVu's letters are a little wider than half their height.
fn letters(width: i32, font: Font) -> usize {
    let tenths = if font.is_bold { 66 } else { 58 };
    usize::try_from(width * 100 / (font.size * tenths)).unwrap_or(1).max(1)
}

/// Lines of so many letters at most, cut between words.
fn wrap(text: &str, letters: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= letters => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no place for them, escaped or not.
            other if other.is_control() => {
                let _ = write!(escaped, "\\u{{{:X}}}", u32::from(other));
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_profile_says_ends_an_element() {
        assert_eq!(escape("<a b=\"c\">&\u{7}"), "&lt;a b=&quot;c&quot;&gt;&amp;\\u{7}");
    }

    #[test]
    fn lines_are_cut_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("immeasurable", 3), ["immeasurable"]);
        assert!(wrap("", 3).is_empty());
    }
}
