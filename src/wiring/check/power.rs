//! Supplies, draws, and where they must not go.

use super::{Kind, Net, Problem};
use crate::wiring::cable::{Cable, Contact, Side};
use crate::wiring::signal::{Duty, Level, Line, Pin, Rail, Signal};

/// What an RS-232 driver gives, in mA: more is promised by no data sheet.
const DRIVER_MILLIAMPERES: u32 = 10;

impl Net<'_, '_> {
    /// Judges where power goes on this net.
    pub(super) fn power(&self, problems: &mut Vec<Problem>) {
        self.supplies(problems);
        self.draws(problems);
        for contact in &self.contacts {
            match self.cable.pin(*contact) {
                Some(Pin::Tap { line, milliamperes }) => {
                    self.tap(*contact, *line, *milliamperes, problems);
                }
                Some(Pin::Other { rail, .. }) => self.other(*contact, *rail, problems),
                _ => {}
            }
        }
    }

    fn supplies(&self, problems: &mut Vec<Problem>) {
        let supplies = self.with(|duty| duty == Duty::Supply);
        for contact in &supplies {
            if let Some(Pin::Supply { rail, max_milliamperes }) = self.cable.pin(*contact) {
                self.supply(*contact, *rail, *max_milliamperes, problems);
            }
        }
        let differ = |one: &Contact, other: &Contact| {
            one.side != other.side || self.cable.pin(*one) != self.cable.pin(*other)
        };
        if let [first, rest @ ..] = supplies.as_slice()
            && rest.iter().any(|contact| differ(first, contact))
        {
            problems.push(Problem {
                kind: Kind::TwoSupplies,
                text: format!(
                    "Two supplies on one wire: {}. The stronger one pushes current into the other \
                     and can burn it. Take this wire out: each side keeps its own supply.",
                    self.call(&supplies)
                ),
                contacts: supplies,
            });
        }
    }

    /// Where one supply goes.
    fn supply(&self, contact: Contact, rail: Rail, max: Option<u32>, problems: &mut Vec<Problem>) {
        let from = self.cable.call(contact);
        let mut say = |kind, victims: Vec<Contact>, text: String| {
            if !victims.is_empty() {
                let contacts = [vec![contact], victims].concat();
                problems.push(Problem { kind, contacts, text });
            }
        };
        let data = self.with(Duty::is_data);
        let harm = super::words::list(data.iter().map(|victim| self.harm(*victim, rail)));
        let text = format!(
            "{rail} on a data line: {from} feeds {}. {harm} Do not plug it in; take this wire out.",
            self.call(&data)
        );
        say(Kind::SupplyOnData, data, text);
        let grounds = self.with(|duty| matches!(duty, Duty::Ground | Duty::Shield));
        let text = format!(
            "Short circuit: {from} feeds {}. The whole current of the {rail} supply flows through \
             this wire; the supply or the cord burns, and what is reversed with it. Do not plug it \
             in; take this wire out.",
            self.call(&grounds)
        );
        say(Kind::ShortCircuit, grounds, text);
        let unknown: Vec<Contact> =
            self.contacts.iter().copied().filter(|one| self.cable.pin(*one).is_none()).collect();
        let text = format!(
            "{rail} to a place that nobody knows: {from} feeds {}, of which its profile says \
             nothing. Take this wire out.",
            self.call(&unknown)
        );
        say(Kind::UnknownContact, unknown, text);
        self.consumers(contact, rail, max, problems);
    }

    /// Who is fed, with what, and whether it is enough.
    fn consumers(
        &self,
        contact: Contact,
        rail: Rail,
        max: Option<u32>,
        problems: &mut Vec<Problem>,
    ) {
        let from = self.cable.call(contact);
        let (mut sum, mut drawn, mut is_known) = (0_u32, Vec::new(), max.is_some());
        for one in &self.contacts {
            let Some(Pin::Draw { rail: wanted, milliamperes }) = self.cable.pin(*one) else {
                continue;
            };
            if *wanted != rail {
                problems.push(Problem {
                    kind: Kind::WrongVoltage,
                    contacts: vec![contact, *one],
                    text: format!(
                        "Wrong voltage: {from} gives {rail}, and {} wants {wanted}. {} Take this \
                         wire out and feed the device as its maker says.",
                        self.cable.call(*one),
                        wrong_voltage(rail, *wanted)
                    ),
                });
                continue;
            }
            drawn.push(*one);
            is_known &= milliamperes.is_some();
            sum = sum.saturating_add(milliamperes.unwrap_or(0));
        }
        if drawn.is_empty() {
            return;
        }
        if let Some(max) = max.filter(|max| sum > *max) {
            problems.push(Problem {
                kind: Kind::Overdrawn,
                text: format!(
                    "Too much current: {} draws {sum} mA and {from} gives at most {max} mA. The \
                     supply breaks down, or burns. Feed the device from its own power pack.",
                    self.call(&drawn)
                ),
                contacts: [vec![contact], drawn].concat(),
            });
        } else if !is_known {
            problems.push(Problem {
                kind: Kind::CurrentUnknown,
                text: format!(
                    "Nobody says whether the current is enough: {from} feeds {}{}{}. Measure that \
                     the voltage stays up while the device scans.",
                    self.call(&drawn),
                    if sum > 0 { format!(", which draws {sum} mA") } else { String::new() },
                    max.map_or(String::new(), |max| format!(", and gives at most {max} mA")),
                ),
                contacts: [vec![contact], drawn].concat(),
            });
        }
    }

    /// A device's power input on something that is no supply.
    fn draws(&self, problems: &mut Vec<Problem>) {
        let draws: Vec<Contact> = self
            .contacts
            .iter()
            .copied()
            .filter(|one| matches!(self.cable.pin(*one), Some(Pin::Draw { .. })))
            .collect();
        let data = self.with(Duty::is_data);
        if !draws.is_empty() && !data.is_empty() {
            problems.push(Problem {
                kind: Kind::DrawOnData,
                text: format!(
                    "A power input on a data line: {} meets {}. A line driver cannot feed a device; \
                     it gets hot, and neither works. Take this wire out.",
                    self.call(&draws),
                    self.call(&data)
                ),
                contacts: [draws.as_slice(), &data].concat(),
            });
        }
        let grounds = self.with(|duty| duty == Duty::Ground);
        if !draws.is_empty() && !grounds.is_empty() {
            problems.push(Problem {
                kind: Kind::ShortCircuit,
                text: format!(
                    "A power input on ground: {} meets {}. With a power pack of its own the device \
                     is shorted; without one it is fed the wrong way round through its other wires. \
                     Take this wire out.",
                    self.call(&draws),
                    self.call(&grounds)
                ),
                contacts: [draws, grounds].concat(),
            });
        }
    }

    /// A device that lives on a modem line.
    fn tap(
        &self,
        contact: Contact,
        line: Signal,
        milliamperes: Option<u32>,
        problems: &mut Vec<Problem>,
    ) {
        let driver = match line {
            Signal::Rts => Duty::Out(Line::Request),
            _ => Duty::Out(Line::Ready),
        };
        let here = self.cable.call(contact);
        let side = contact.side.other();
        let is_rs232 = self.cable.socket(side).connector.level == Level::Rs232;
        if !self.has(side, driver) || !is_rs232 {
            problems.push(Problem {
                kind: Kind::Unfed,
                contacts: vec![contact],
                text: format!(
                    "{here} takes the device's power from an RS-232 {} that is held up, and gets \
                     none here: the device stays dark.",
                    line.word()
                ),
            });
            return;
        }
        let drawn = milliamperes.map_or(String::new(), |drawn| format!(" ({drawn} mA)"));
        let (kind, text) = if milliamperes.is_some_and(|drawn| drawn > DRIVER_MILLIAMPERES) {
            let text = format!(
                "Too much current: {here} draws{drawn} from {}, and an RS-232 driver gives about \
                 {DRIVER_MILLIAMPERES} mA.",
                line.word()
            );
            (Kind::Overdrawn, text)
        } else {
            let text = format!(
                "The device lives on {}{drawn}: the port has to hold it up all the time, so it \
                 cannot be used for flow control.",
                line.word()
            );
            (Kind::LivesOnLine, text)
        };
        problems.push(Problem { kind, contacts: vec![contact], text });
    }

    /// Something that is no serial line, wired to something.
    fn other(&self, contact: Contact, rail: Option<Rail>, problems: &mut Vec<Problem>) {
        let rest: Vec<Contact> = self.contacts.iter().copied().filter(|c| *c != contact).collect();
        let harmless = |one: &Contact| self.cable.duty(*one) == Some(Duty::Open);
        if rest.iter().all(harmless) {
            return;
        }
        let volts = rail.map_or(String::new(), |rail| format!(" It carries {rail}."));
        problems.push(Problem {
            kind: Kind::NotSerial,
            text: format!(
                "{} is no part of a serial line and meets {}.{volts} Is this the right socket? Take \
                 this wire out.",
                self.cable.call(contact),
                self.call(&rest)
            ),
            contacts: [vec![contact], rest].concat(),
        });
    }

    /// What a supply does to a data contact.
    fn harm(&self, victim: Contact, rail: Rail) -> String {
        let (socket, call) = (self.cable.socket(victim.side), self.cable.call(victim));
        let level = socket.connector.level;
        match self.cable.duty(victim) {
            Some(Duty::Out(_)) => format!(
                "The supply works against the line driver behind {call}, gets it hot and burns it."
            ),
            Some(Duty::In(_)) if level == Level::Rs232 && rail.millivolts.abs() <= 15_000 => {
                format!("The receiver behind {call} survives {rail}, but hears nothing any more.")
            }
            Some(Duty::Usb(_)) => format!("The USB port behind {call} stands 3.6 V and burns."),
            Some(Duty::In(_)) if level == Level::Ttl5 && (0..=5_500).contains(&rail.millivolts) => {
                format!("The input behind {call} stands {rail}, but hears nothing any more.")
            }
            _ => format!("The receiver behind {call} is not made for {rail} and burns."),
        }
    }
}

fn wrong_voltage(given: Rail, wanted: Rail) -> &'static str {
    if given.millivolts.signum() != wanted.millivolts.signum() {
        "That is the wrong way round, and burns the device."
    } else if given.millivolts.abs() > wanted.millivolts.abs() {
        "The device burns."
    } else {
        "The device does not start, or starts again and again."
    }
}

/// Supplies that feed nobody, and devices that nobody feeds.
pub(super) fn open_ends(cable: &Cable<'_>, nets: &[Net<'_, '_>], problems: &mut Vec<Problem>) {
    let joined = |contact: Contact| nets.iter().find(|net| net.contacts.contains(&contact));
    for side in [Side::A, Side::B] {
        for (position, pin) in cable.socket(side).connector.known() {
            let contact = Contact { side, position };
            match pin {
                Pin::Supply { rail, .. } if joined(contact).is_none() => problems.push(Problem {
                    kind: Kind::UnusedPower,
                    contacts: vec![contact],
                    text: format!(
                        "{} carries {rail} and is left open: no wire may come near it in the plug.",
                        cable.call(contact)
                    ),
                }),
                Pin::Draw { rail, .. } => {
                    let is_fed = joined(contact)
                        .is_some_and(|net| !net.with(|duty| duty == Duty::Supply).is_empty());
                    if !is_fed {
                        problems.push(Problem {
                            kind: Kind::Unfed,
                            contacts: vec![contact],
                            text: format!(
                                "{} wants {rail} and is not fed by this cable: the device needs its \
                                 own power pack.",
                                cable.call(contact)
                            ),
                        });
                    }
                }
                Pin::Tap { line, .. } if joined(contact).is_none() => problems.push(Problem {
                    kind: Kind::Unfed,
                    contacts: vec![contact],
                    text: format!(
                        "{} takes the device's power from {} and is not joined: the device stays \
                         dark.",
                        cable.call(contact),
                        line.word()
                    ),
                }),
                _ => {}
            }
        }
    }
}
