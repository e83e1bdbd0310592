//! Sockets in one line each.

use tillbus::profile::Profile;
use tillbus::settings::File;
use tillbus::wiring::cable::{Link, Loop};
use tillbus::wiring::{Cable, Position};

/// A profile of these contacts: `RJ11-6P4C 1-4 DTE rs232: 1 TXD, 2 GND, 3 supply +5V 500, 4 RXD`.
pub(crate) fn profile(id: &str, words: &str) -> Profile {
    profile_with(id, words, "")
}

/// The same with more lines of TOML after the head.
pub(crate) fn profile_with(id: &str, words: &str, more: &str) -> Profile {
    let (connector, pins) = words.split_once(": ").expect(words);
    let words: Vec<&str> = connector.split(' ').collect();
    let [shape, counting, role, level] = words[..4] else { panic!("{connector}") };
    let gender = words.get(4).map_or(String::new(), |gender| format!("gender = {gender:?}\n"));
    let pins: Vec<String> = pins.split(", ").map(pin).collect();
    let text = format!(
        "[profile]\nid = {id:?}\nvendor = \"V\"\nmodel = \"M\"\nkind = \"socket\"\n\
         status = \"documented\"\nsources = [\"made up\"]\n{more}\n[connector]\ntype = {shape:?}\n\
         view = \"socket front, clip down\"\ncounting = {counting:?}\nrole = {role:?}\n\
         level = {level:?}\n{gender}[connector.pins]\n{}\n",
        pins.join("\n")
    );
    let file = File { name: id.to_owned(), text };
    Profile::read(&file.parse().unwrap().root(), id)
        .unwrap_or_else(|errors| panic!("{errors:#?}\n{}", file.text))
}

fn pin(words: &str) -> String {
    let words: Vec<&str> = words.split(' ').collect();
    match words[..] {
        [number, "supply", rail] => format!("{number} = {{ supply = {rail:?} }}"),
        [number, "supply", rail, max] => {
            format!("{number} = {{ supply = {rail:?}, max-ma = {max} }}")
        }
        [number, "draw", rail] => format!("{number} = {{ draw = {rail:?} }}"),
        [number, "draw", rail, ma] => format!("{number} = {{ draw = {rail:?}, ma = {ma} }}"),
        [number, "other", name] => format!("{number} = {{ other = {name:?} }}"),
        [number, "other", name, volts] => {
            format!("{number} = {{ other = {name:?}, volts = {volts:?} }}")
        }
        [number, signal] => format!("{number} = {signal:?}"),
        _ => panic!("{words:?}"),
    }
}

/// A cable of these wires, as numbers of the two profiles.
pub(crate) fn wires<'s>(a: &'s Profile, b: &'s Profile, wires: &[(u8, u8)]) -> Cable<'s> {
    let (a, b) = (a.socket().unwrap(), b.socket().unwrap());
    let links = wires
        .iter()
        .map(|(one, other)| Link { a: a.connector.position(*one), b: b.connector.position(*other) })
        .collect();
    Cable::of_wires(a, b, links, Vec::new())
}

/// The wires of a cable, as numbers of the two profiles.
pub(crate) fn numbers(cable: &Cable<'_>) -> Vec<(u8, u8)> {
    let (a, b) = (cable.a.connector, cable.b.connector);
    let mut wires: Vec<(u8, u8)> =
        cable.links.iter().map(|link| (a.number(link.a), b.number(link.b))).collect();
    wires.sort_unstable();
    wires
}

/// A bridge between two positions.
pub(crate) fn positions(bridge: &Loop) -> (u8, u8) {
    let (Position(one), Position(other)) = (bridge.one, bridge.other);
    (one.min(other), one.max(other))
}
