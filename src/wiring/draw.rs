//! The drawing that a technician makes the cable from.
//!
//! Contract: pure, an SVG as text, the same for the same cable. Both plugs from the side at which one
//! works, every contact with the number of its own profile, every wire with its colour; what is open,
//! what is bridged, and what is dangerous. A cable that is refused is drawn all the same, with the
//! refusal across it.

mod plug;
mod svg;

use super::Position;
use super::cable::{Cable, Contact, Link, Made, Side};
use super::check::{Report, Severity, check, look_alikes};
use super::colour::{Colour, Hue};
use super::propose;
use super::signal::{Duty, Line, Pin, Signal};
use svg::{ALARM, FAINT, INK, PLAIN, Sheet};

/// What the drawing says of an end beside its wiring.
#[derive(Clone, Debug)]
pub struct Label {
    /// Maker and model.
    pub title: String,
    /// `documented`, `reported` or `untested`.
    pub status: String,
    /// The documents.
    pub sources: Vec<String>,
}

const WIDTH: i32 = 1000;
const MARGIN: i32 = 40;
const COLUMN: i32 = (WIDTH - 2 * MARGIN) / 2;
const ROW: i32 = 34;

/// Draws a cable; the labels are those of its two ends.
#[must_use]
pub fn draw(cable: &Cable<'_>, labels: [&Label; 2]) -> String {
    let report = check(cable);
    let wires = wires(cable);
    let mut sheet = Sheet::default();
    let title = format!("{} – {}", cable.a.name, cable.b.name);
    sheet.text((MARGIN, 52), PLAIN.sized(24).bold(), &title);
    let mut y = facts(&mut sheet, 78, cable, &report);
    y = banner(&mut sheet, y, &report);
    for (side, label, left) in [(Side::A, labels[0], MARGIN), (Side::B, labels[1], MARGIN + COLUMN)]
    {
        sheet.text((left + COLUMN / 2, y + 18), PLAIN.sized(16).bold().middle(), &label.title);
        let into = format!("into the socket of {}", cable.socket(side).name);
        sheet.text((left + COLUMN / 2, y + 38), PLAIN.sized(13).in_paint(FAINT).middle(), &into);
        plug::draw(&mut sheet, (left, y + 48), COLUMN, cable, side, &wires);
    }
    y += 48 + plug::HEIGHT + 10;
    y = schematic(&mut sheet, y, cable, &wires);
    y = legend(&mut sheet, y + 14, &wires);
    y = alarms(&mut sheet, y + 10, cable);
    y = remarks(&mut sheet, y + 18, &report);
    y = origins(&mut sheet, y + 12, cable, labels);
    sheet.finish(WIDTH, y + 20, &title)
}

/// A wire with its colour, or a bridge.
struct Wire {
    link: Link,
    colour: Colour,
}

impl Wire {
    fn paint(&self) -> &'static str {
        self.colour.hue.paint()
    }

    fn stripe(&self) -> Option<&'static str> {
        self.colour.stripe.map(Hue::paint)
    }

    fn is_dark(&self) -> bool {
        matches!(
            self.colour.hue,
            Hue::Black | Hue::Brown | Hue::Red | Hue::Green | Hue::Blue | Hue::Violet
        )
    }
}

/// The wire at a contact.
fn wire_of(wires: &[Wire], contact: Contact) -> Option<&Wire> {
    wires.iter().find(|wire| match contact.side {
        Side::A => wire.link.a == contact.position,
        Side::B => wire.link.b == contact.position,
    })
}

/// The colours: those that a profile names, else those of a flat cord at the first modular plug, else
/// one for each use.
fn wires(cable: &Cable<'_>) -> Vec<Wire> {
    let mut spare = [Hue::Yellow, Hue::Blue, Hue::Orange, Hue::Brown, Hue::Violet, Hue::Grey]
        .into_iter()
        .cycle();
    let (a, b) = (cable.a.connector, cable.b.connector);
    let mut links = cable.links.clone();
    links.sort();
    links
        .into_iter()
        .map(|link| {
            let named = a.colour(link.a).or_else(|| b.colour(link.b));
            let flat = || match a.shape.is_modular() {
                true => Colour::of_flat_cord(a.shape, link.a),
                false => Colour::of_flat_cord(b.shape, link.b),
            };
            let mut by_use = || match a.duty(link.a) {
                Some(Duty::Ground) => Hue::Black,
                Some(Duty::Supply | Duty::Draw) => Hue::Red,
                Some(Duty::Out(Line::Data)) => Hue::Green,
                Some(Duty::In(Line::Data)) => Hue::White,
                _ => spare.next().unwrap_or(Hue::Grey),
            };
            let colour = named.or_else(flat).unwrap_or_else(|| by_use().into());
            Wire { link, colour }
        })
        .collect()
}

/// One line on what the cable is.
fn facts(sheet: &mut Sheet, y: i32, cable: &Cable<'_>, report: &Report) -> i32 {
    let made = match cable.made {
        Made::Wires => match (report.run, ready_made(cable)) {
            (Some(run), _) => format!("wires as a {} cord has them", run.word()),
            (None, Some(made)) => format!("wires one by one, or {made}"),
            (None, None) => "wires one by one".to_owned(),
        },
        made => made.to_string(),
    };
    let flows: Vec<&str> = report.permitted.iter().map(|flow| flow.word()).collect();
    let flows = if flows.is_empty() { "-".to_owned() } else { flows.join(", ") };
    let crossing = report.crossing.word();
    let text = format!("{made} · data {crossing} · flow control possible: {flows}");
    sheet.text((MARGIN, y), PLAIN.in_paint(FAINT), &text);
    y + 14
}

/// What is sold that does the same as these wires.
fn ready_made(cable: &Cable<'_>) -> Option<Made> {
    let proposal = propose(cable.a, cable.b);
    let mut links = cable.links.clone();
    links.sort();
    proposal.ready_made.first().copied().filter(|_| proposal.cable.links == links)
}

/// The refusal, where there is one.
fn banner(sheet: &mut Sheet, y: i32, report: &Report) -> i32 {
    if report.is_safe() {
        return y + 6;
    }
    let start = y + 8;
    let inner = WIDTH - 2 * MARGIN - 32;
    let mut draft = Sheet::default();
    let mut end = start + 36;
    let font = PLAIN.sized(14);
    for problem in report.refusals() {
        end = draft.paragraph((MARGIN + 16, end + 22), font, inner, &problem.text);
        end -= 10;
    }
    let style = format!("fill=\"#fdecee\" stroke=\"{ALARM}\" stroke-width=\"3\" rx=\"6\"");
    sheet.rect((MARGIN, start), (WIDTH - 2 * MARGIN, end - start + 8), &style);
    let font = PLAIN.sized(20).bold().in_paint(ALARM);
    sheet.text((MARGIN + 16, start + 30), font, "DO NOT MAKE THIS CABLE");
    let mut at = start + 36;
    for problem in report.refusals() {
        at = sheet.paragraph((MARGIN + 16, at + 22), PLAIN.sized(14), inner, &problem.text) - 10;
    }
    end + 22
}

/// A contact's row in the schematic.
struct Row<'c> {
    contact: Contact,
    pin: Option<&'c Pin>,
}

fn rows<'c>(cable: &'c Cable<'_>, side: Side) -> Vec<Row<'c>> {
    let connector = cable.socket(side).connector;
    let mut positions: Vec<_> =
        connector.known().into_iter().map(|(position, _)| position).collect();
    let is_bridged = |position: &Position| {
        cable
            .loops
            .iter()
            .any(|bridge| bridge.side == side && [bridge.one, bridge.other].contains(position))
    };
    // What is no serial line and carries nothing has no place in a drawing of one.
    positions.retain(|position| {
        let is_idle = matches!(
            connector.pin(*position),
            Some(Pin::Other { rail: None, .. } | Pin::Signal(Signal::NotConnected))
        );
        !is_idle || is_bridged(position)
    });
    positions.extend(cable.links.iter().map(|link| match side {
        Side::A => link.a,
        Side::B => link.b,
    }));
    positions.sort_by_key(|position| connector.number(*position));
    positions.dedup();
    positions
        .into_iter()
        .map(|position| Row { contact: Contact { side, position }, pin: connector.pin(position) })
        .collect()
}

const LEFT: i32 = MARGIN + 190;
const RIGHT: i32 = WIDTH - LEFT;
/// From a contact to the name of its wire's colour, past the bridges.
const LABELS: i32 = 86;
/// What fits beside a contact.
const LONGEST_NAME: usize = 18;

/// The wires from contact to contact.
fn schematic(sheet: &mut Sheet, y: i32, cable: &Cable<'_>, wires: &[Wire]) -> i32 {
    let columns = [rows(cable, Side::A), rows(cable, Side::B)];
    let height = columns.iter().map(Vec::len).max().unwrap_or(0);
    let height = i32::try_from(height).unwrap_or(0) * ROW + 20;
    let frame = "fill=\"#fafafa\" stroke=\"#c8c8c8\" rx=\"6\"";
    sheet.rect((MARGIN, y), (WIDTH - 2 * MARGIN, height), frame);
    let place = |contact: Contact| {
        let column = match contact.side {
            Side::A => &columns[0],
            Side::B => &columns[1],
        };
        let row = column.iter().position(|row| row.contact == contact).unwrap_or(0);
        y + 10 + i32::try_from(row).unwrap_or(0) * ROW + ROW / 2
    };
    for wire in wires {
        let from = place(Contact { side: Side::A, position: wire.link.a });
        let to = place(Contact { side: Side::B, position: wire.link.b });
        let data = format!(
            "M {} {from} L {} {from} C {} {from} {} {to} {} {to} L {} {to}",
            LEFT + 14,
            LEFT + LABELS + 60,
            LEFT + 230,
            RIGHT - 230,
            RIGHT - LABELS - 60,
            RIGHT - 14
        );
        sheet.wire(&data, wire.paint(), wire.stripe());
        let font = PLAIN.sized(11).in_paint(FAINT);
        sheet.text((LEFT + LABELS, from - 6), font, &wire.colour.to_string());
        sheet.text((RIGHT - LABELS, to - 6), font.end(), &wire.colour.to_string());
    }
    for (place_of, bridge) in cable.loops.iter().enumerate() {
        let contact = |position| Contact { side: bridge.side, position };
        let (one, other) = (place(contact(bridge.one)), place(contact(bridge.other)));
        let inward = 32 + i32::try_from(place_of % 4).unwrap_or(0) * 12;
        let (start, knee) = match bridge.side {
            Side::A => (LEFT + 14, LEFT + inward),
            Side::B => (RIGHT - 14, RIGHT - inward),
        };
        let data = format!("M {start} {one} L {knee} {one} L {knee} {other} L {start} {other}");
        sheet.wire(&data, Hue::Grey.paint(), None);
        let font = PLAIN.sized(11).in_paint(FAINT);
        // Above the wire at the higher of the two contacts.
        let (at, font) = match bridge.side {
            Side::A => ((start + 4, one.min(other) - 6), font),
            Side::B => ((start - 4, one.min(other) - 6), font.end()),
        };
        sheet.text(at, font, "bridge");
    }
    for row in columns.iter().flatten() {
        contact_row(sheet, place(row.contact), cable, row, wires);
    }
    y + height
}

/// Number, name and direction of one contact.
fn contact_row(sheet: &mut Sheet, y: i32, cable: &Cable<'_>, row: &Row<'_>, wires: &[Wire]) {
    let Row { contact, pin } = row;
    let connector = cable.socket(contact.side).connector;
    let is_joined = wire_of(wires, *contact).is_some()
        || cable.loops.iter().any(|bridge| {
            bridge.side == contact.side && [bridge.one, bridge.other].contains(&contact.position)
        });
    let is_live = matches!(pin, Some(Pin::Supply { .. } | Pin::Other { rail: Some(_), .. }));
    let (x, name_x, font) = match contact.side {
        Side::A => (LEFT, LEFT - 24, PLAIN.end()),
        Side::B => (RIGHT, RIGHT + 24, PLAIN),
    };
    let paint = match (is_joined, is_live) {
        (false, true) => ALARM,
        (false, false) => FAINT,
        _ => INK,
    };
    let (fill, edge) = if is_joined { ("#ffffff", INK) } else { ("#eeeeee", paint) };
    sheet.circle((x, y), 14, &format!("fill=\"{fill}\" stroke=\"{edge}\" stroke-width=\"2\""));
    let number = connector.number(contact.position).to_string();
    sheet.text((x, y + 5), PLAIN.bold().middle().in_paint(paint), &number);
    let mut name = pin.map_or_else(|| "unknown".to_owned(), ToString::to_string);
    if name.chars().count() > LONGEST_NAME {
        name = name.chars().take(LONGEST_NAME - 1).chain(['…']).collect();
    }
    if !is_joined {
        name.push_str(if is_live { ", leave open" } else { ", open" });
    }
    let arrow = match (connector.duty(contact.position), contact.side) {
        (Some(Duty::Out(_) | Duty::Supply), Side::A)
        | (Some(Duty::In(_) | Duty::Draw), Side::B) => "→",
        (Some(Duty::Out(_) | Duty::Supply), Side::B)
        | (Some(Duty::In(_) | Duty::Draw), Side::A) => "←",
        (Some(Duty::Usb(_)), _) => "↔",
        _ => "",
    };
    let arrow = if is_joined { arrow } else { "" };
    let text = match contact.side {
        Side::A => format!("{name} {arrow}"),
        Side::B => format!("{arrow} {name}"),
    };
    let font = if is_joined { font.bold() } else { font };
    sheet.text((name_x, y + 5), font.in_paint(paint), text.trim());
}

/// What the marks mean.
fn legend(sheet: &mut Sheet, y: i32, wires: &[Wire]) -> i32 {
    let mut text =
        "Numbers as each profile counts. → the way a signal or a supply goes.".to_owned();
    if !wires.is_empty() {
        text.push_str(
            " Colours as a flat cord has them at its first modular plug, or as the profile says: \
             yours may differ, so go by the contacts.",
        );
    }
    sheet.paragraph((MARGIN, y + 12), PLAIN.sized(12).in_paint(FAINT), WIDTH - 2 * MARGIN, &text)
}

/// The sockets that this cable must not go into.
fn alarms(sheet: &mut Sheet, y: i32, cable: &Cable<'_>) -> i32 {
    let mut all = look_alikes(&cable.a);
    for one in look_alikes(&cable.b) {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    let mut y = y;
    for (label, why) in all {
        let width = 60 + i32::try_from(label.chars().count()).unwrap_or(0) * 13;
        let style = format!("fill=\"{ALARM}\" rx=\"4\"");
        sheet.rect((MARGIN, y), (width, 30), &style);
        let font = PLAIN.sized(16).bold().in_paint("#ffffff").middle();
        sheet.text((MARGIN + width / 2, y + 21), font, &format!("NOT {label}"));
        let font = PLAIN.sized(13);
        let room = WIDTH - 2 * MARGIN - width - 14;
        let end = sheet.paragraph((MARGIN + width + 14, y + 20), font, room, &why);
        y = (y + 40).max(end);
    }
    y
}

/// The warnings that are not in the picture yet.
fn remarks(sheet: &mut Sheet, y: i32, report: &Report) -> i32 {
    let mut y = y;
    let shown = |kind| kind != super::check::Kind::LookAlike;
    for problem in report.problems.iter().filter(|problem| shown(problem.kind)) {
        if problem.kind.severity() == Severity::Warning {
            sheet.text((MARGIN, y), PLAIN.bold().in_paint("#a15c00"), "!");
            y = sheet.paragraph((MARGIN + 16, y), PLAIN, WIDTH - 2 * MARGIN - 16, &problem.text);
            y += 4;
        }
    }
    y
}

/// From where all this is known.
fn origins(sheet: &mut Sheet, y: i32, cable: &Cable<'_>, labels: [&Label; 2]) -> i32 {
    let mut y = y;
    for (side, label) in [(Side::A, labels[0]), (Side::B, labels[1])] {
        let socket = cable.socket(side);
        let view = socket.connector.view.as_deref().unwrap_or("not said");
        let counting =
            socket.connector.counting.map_or_else(|| "not said".to_owned(), |c| c.to_string());
        let sources = match label.sources.as_slice() {
            [] => "no source".to_owned(),
            sources => sources.join("; "),
        };
        let text = format!(
            "{} ({}): view {view}, counted {counting}. {sources}",
            socket.name, label.status
        );
        let font = PLAIN.sized(11).in_paint(FAINT);
        y = sheet.paragraph((MARGIN, y), font, WIDTH - 2 * MARGIN, &text) + 3;
    }
    y
}
