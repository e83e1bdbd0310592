//! Pictures of plugs, from the side at which one works on them.
//!
//! A modular plug is shown onto its contacts, clip behind, cable down: contact 1 is at the left
//! (IEC 60603-7). A D-subminiature is shown from its solder side: where one looks at the pins or holes
//! of a male connector contact 1 is at the left of the wide row, from behind it is at the right, and on
//! a female one it is the other way round (the numbers are moulded in). Of other shapes there is a
//! list: their numbers are those of their standard.

use super::svg::{ALARM, FAINT, INK, PAPER, PLAIN, Sheet};
use super::{Wire, wire_of};
use crate::wiring::cable::{Cable, Contact, Side};
use crate::wiring::connector::{Gender, Position, Shape};
use crate::wiring::signal::Pin;

/// How much room a picture takes.
pub(super) const HEIGHT: i32 = 250;

/// Draws the plug of one side into the column that begins here.
pub(super) fn draw(
    sheet: &mut Sheet,
    (left, top): (i32, i32),
    width: i32,
    cable: &Cable<'_>,
    side: Side,
    wires: &[Wire],
) {
    let connector = cable.socket(side).connector;
    let centre = left + width / 2;
    let plug = Plug { cable, side, wires };
    let gender = connector.gender.map(Gender::opposite);
    let caption = match (connector.shape, gender) {
        (shape, _) if shape.is_modular() => {
            plug.modular(sheet, (centre, top + 26));
            format!("{} plug, onto its contacts: clip behind, cable down", shape.word())
        }
        (Shape::De9 | Shape::Da15 | Shape::Db25, Some(gender)) => {
            plug.d_sub(sheet, (centre, top + 70), gender);
            format!("{} {} plug, solder side: wide row up", connector.shape.word(), gender.word())
        }
        (Shape::BareWires, _) => {
            plug.listed(sheet, (centre, top + 10));
            "wires, by the numbers and colours of the profile".to_owned()
        }
        (shape, gender) => {
            plug.listed(sheet, (centre, top + 10));
            let gender = gender.map_or(String::new(), |gender| format!(" {}", gender.word()));
            format!("{}{gender}: numbers of its standard, no picture", shape.word())
        }
    };
    sheet.text((centre, top + HEIGHT - 12), PLAIN.sized(13).in_paint(FAINT).middle(), &caption);
}

struct Plug<'c, 's> {
    cable: &'c Cable<'s>,
    side: Side,
    wires: &'c [Wire],
}

/// The paint of a contact that no wire goes to.
const EMPTY: &str = "#d9d9d9";

impl Plug<'_, '_> {
    fn contact(&self, position: Position) -> Contact {
        Contact { side: self.side, position }
    }

    fn number(&self, position: Position) -> String {
        self.cable.socket(self.side).connector.number(position).to_string()
    }

    /// Whether a supply stands there with no wire: the place to keep away from.
    fn is_live(&self, position: Position) -> bool {
        let pin = self.cable.pin(self.contact(position));
        let is_live = matches!(pin, Some(Pin::Supply { .. } | Pin::Other { rail: Some(_), .. }));
        is_live && wire_of(self.wires, self.contact(position)).is_none()
    }

    fn modular(&self, sheet: &mut Sheet, (centre, top): (i32, i32)) {
        const PITCH: i32 = 26;
        let shape = self.cable.socket(self.side).connector.shape;
        let positions = i32::from(shape.positions());
        let width = positions * PITCH + 22;
        let left = centre - width / 2;
        let body = "fill=\"#eef4f8\" stroke=\"#5a6b78\" stroke-width=\"2\"";
        sheet.rect((left, top), (width, 108), &format!("{body} rx=\"5\""));
        sheet.rect((left + 8, top + 108), (width - 16, 34), &format!("{body} rx=\"3\""));
        for number in 1..=shape.positions() {
            let position = Position(number);
            let x = left + 11 + PITCH * (i32::from(number) - 1) + PITCH / 2;
            if !shape.has(position) {
                sheet.rect((x - 4, top + 8), (8, 44), "fill=\"none\" stroke=\"#c5d0d8\"");
                continue;
            }
            if let Some(wire) = wire_of(self.wires, self.contact(position)) {
                let data = format!("M {x} {} L {x} {}", top + 50, top + 176);
                sheet.wire(&data, wire.paint(), wire.stripe());
            }
            sheet.rect((x - 5, top + 6), (10, 50), "fill=\"#e3b23c\" stroke=\"#8a6a14\"");
            let font = PLAIN.bold().middle();
            let font = if self.is_live(position) { font.in_paint(ALARM) } else { font };
            sheet.text((x, top - 8), font, &self.number(position));
            if self.is_live(position) {
                sheet.text((x, top + 80), PLAIN.sized(20).bold().in_paint(ALARM).middle(), "×");
            }
        }
        let data = format!("M {} {} L {} {}", left + 14, top + 176, left + width - 14, top + 176);
        sheet.path(&data, "stroke=\"#5a6b78\" stroke-width=\"1\" stroke-dasharray=\"3 3\"");
    }

    fn d_sub(&self, sheet: &mut Sheet, (centre, top): (i32, i32), gender: Gender) {
        let shape = self.cable.socket(self.side).connector.shape;
        let wide = shape.positions().div_ceil(2);
        let pitch = if wide > 8 { 32 } else { 44 };
        let half = i32::from(wide) * pitch / 2;
        let (left, right) = (centre - half - 12, centre + half + 12);
        let shell = format!(
            "M {} {top} L {} {top} Q {right} {top} {} {} L {} {} Q {} {} {} {} L {} {} Q {} {} {} {} \
             L {} {} Q {left} {top} {} {top} Z",
            left + 12,
            right - 12,
            right - 3,
            top + 14,
            right - 16,
            top + 92,
            right - 20,
            top + 106,
            right - 36,
            top + 106,
            left + 36,
            top + 106,
            left + 20,
            top + 106,
            left + 16,
            top + 92,
            left + 3,
            top + 14,
            left + 12,
        );
        sheet.path(&shell, "fill=\"#eef0f2\" stroke=\"#5a6b78\" stroke-width=\"2\"");
        for number in 1..=shape.positions() {
            let (row, place) =
                if number <= wide { (0, number - 1) } else { (1, number - 1 - wide) };
            // From the front of a male connector the row runs from left to right.
            let along = i32::from(place) * pitch + pitch / 2 * (row + 1);
            let x = match gender {
                Gender::Female => centre - half + along,
                Gender::Male => centre + half - along,
            };
            self.solder_cup(sheet, (x, top + 34 + row * 42), Position(number));
        }
    }

    fn solder_cup(&self, sheet: &mut Sheet, (x, y): (i32, i32), position: Position) {
        let wire = wire_of(self.wires, self.contact(position));
        let paint = wire.map_or(EMPTY, |wire| wire.paint());
        let edge = if self.is_live(position) { ALARM } else { "#3a3a3a" };
        let style = format!("fill=\"{paint}\" stroke=\"{edge}\" stroke-width=\"2\"");
        sheet.circle((x, y), 12, &style);
        if let Some(stripe) = wire.and_then(Wire::stripe) {
            sheet.circle(
                (x, y),
                8,
                &format!("fill=\"none\" stroke=\"{stripe}\" stroke-width=\"3\""),
            );
        }
        let is_dark = wire.is_some_and(Wire::is_dark);
        let font = PLAIN.sized(12).bold().middle();
        let font = font.in_paint(if is_dark { PAPER } else { INK });
        sheet.text((x, y + 4), font, &self.number(position));
    }

    /// The contacts that the profile speaks of, each with its wire.
    fn listed(&self, sheet: &mut Sheet, (centre, top): (i32, i32)) {
        let known = self.cable.socket(self.side).connector.known();
        let columns = if known.len() > 7 { 2 } else { 1 };
        let rows = known.len().div_ceil(columns);
        for (place, (position, pin)) in known.iter().enumerate() {
            let (column, row) = (place / rows, place % rows);
            let step = |count: usize, size: i32| i32::try_from(count).unwrap_or(0) * size;
            let x = centre - 70 * (step(columns, 1)) + step(column, 160);
            let y = top + 18 + step(row, 28);
            let wire = wire_of(self.wires, self.contact(*position));
            if let Some(wire) = wire {
                let data = format!("M {} {y} L {} {y}", x - 46, x - 14);
                sheet.wire(&data, wire.paint(), wire.stripe());
            }
            let style = "fill=\"#eef0f2\" stroke=\"#3a3a3a\" stroke-width=\"2\"";
            sheet.circle((x, y), 12, style);
            sheet.text((x, y + 4), PLAIN.sized(12).bold().middle(), &self.number(*position));
            sheet.text((x + 20, y + 5), PLAIN.sized(13), &pin.to_string());
        }
    }
}
