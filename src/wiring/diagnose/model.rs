//! What a wrong cable does to a port: a small electrical model.
//!
//! Contract: pure. Every contact is a voltage behind a resistance, against its own side's ground. The
//! host's ground is the reference; the device's ground floats wherever the currents through all wires
//! put it, which is what a missing or misplaced ground does to every other line. Nothing here knows
//! any fault by name: what a port shows of a fault is computed.
//!
//! With one unknown potential the network is solved in one line. Let a net have conductance `hg` and
//! current `hi` (conductance times voltage) from the host's contacts on it, `bg` and `bi` from the
//! device's. Its potential is `(hi + bi + ground * bg) / (hg + bg)`, and no current leaves the device:
//! `ground = sum((bg * hi - bi * hg) / (hg + bg)) / sum(bg * hg / (hg + bg))`.

/// The contacts of a serial socket. On both sides in the host's names: the device's contact that belongs
/// to the host's TXD is called TXD here, and is a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of the RS-232 standard")]
pub enum Name {
    Txd,
    Rxd,
    Gnd,
    /// The host feeds, the device is fed.
    Supply,
    Rts,
    Cts,
    Dtr,
    Dsr,
    Dcd,
    Ri,
    /// Nothing is connected on either side.
    Open,
}

impl Name {
    const COUNT: usize = 11;

    /// In the order of the declaration.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Txd,
        Self::Rxd,
        Self::Gnd,
        Self::Supply,
        Self::Rts,
        Self::Cts,
        Self::Dtr,
        Self::Dsr,
        Self::Dcd,
        Self::Ri,
        Self::Open,
    ];

    /// The word for a person.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Txd => "TXD",
            Self::Rxd => "RXD",
            Self::Gnd => "GND",
            Self::Supply => "the supply",
            Self::Rts => "RTS",
            Self::Cts => "CTS",
            Self::Dtr => "DTR",
            Self::Dsr => "DSR",
            Self::Dcd => "DCD",
            Self::Ri => "RI",
            Self::Open => "an open contact",
        }
    }

    /// Whether the host listens there, and the device drives.
    #[must_use]
    pub const fn is_host_input(self) -> bool {
        matches!(self, Self::Rxd | Self::Cts | Self::Dsr | Self::Dcd | Self::Ri)
    }

    /// Whether the host drives there, and the device listens.
    #[must_use]
    pub const fn is_host_output(self) -> bool {
        matches!(self, Self::Txd | Self::Rts | Self::Dtr)
    }
}

/// The voltages on the device's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Logic {
    /// RS-232.
    Rs232,
    /// A module without a level converter: idle is high, ready is low.
    Ttl,
}

/// The electrical values, which differ from one make to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Make {
    /// What the host's drivers reach, in V.
    pub host_volts: f32,
    /// What the device's drivers reach, in V.
    pub device_volts: f32,
    /// What a receiver presents, in ohm: 3 to 7 thousand by RS-232.
    pub receiver_ohms: f32,
    /// What a driver without power presents, in ohm: 300 at least by RS-232.
    pub dark_ohms: f32,
}

/// Usual values.
pub const USUAL: Make =
    Make { host_volts: 9.0, device_volts: 8.0, receiver_ohms: 5_000.0, dark_ohms: 50_000.0 };

/// The usual one, and the corners between which makes lie: weak and strong drivers, receivers at both
/// ends of the standard.
pub const MAKES: [Make; 9] = [
    USUAL,
    low(5.4, 5.4),
    high(5.4, 5.4),
    low(12.0, 5.4),
    high(12.0, 5.4),
    low(5.4, 12.0),
    high(5.4, 12.0),
    low(12.0, 12.0),
    high(12.0, 12.0),
];

const fn low(host_volts: f32, device_volts: f32) -> Make {
    Make { host_volts, device_volts, receiver_ohms: 3_500.0, dark_ohms: 300.0 }
}

const fn high(host_volts: f32, device_volts: f32) -> Make {
    Make { host_volts, device_volts, receiver_ohms: 6_500.0, dark_ohms: 1_000_000.0 }
}

/// Above this many V a receiver hears a space, or a modem line that is on.
pub const THRESHOLD: f32 = 1.5;
/// No receiver takes less for that, and none needs more.
const THRESHOLDS: (f32, f32) = (1.2, 1.8);

const DRIVER_OHMS: f32 = 300.0;
const GROUND_OHMS: f32 = 0.1;
const SUPPLY_OHMS: f32 = 0.5;
/// A device that draws 200 mA at 5 V.
const LOAD_OHMS: f32 = 25.0;
const SUPPLY_VOLTS: f32 = 5.0;
/// Below it a device does not start.
const START_VOLTS: f32 = 4.2;
/// Insulation and the capacity between two mains adapters: what is left where nothing joins the sides.
const STRAY_SIEMENS: f32 = 1e-7;
/// Logic lines.
const LOGIC_VOLTS: f32 = 3.3;
const PULL_UP_OHMS: f32 = 50_000.0;

/// What goes over the lines at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// Nothing.
    Rest,
    /// A space on the device's transmitter.
    DeviceSends,
    /// A space on the host's transmitter.
    HostSends,
}

impl Moment {
    const ALL: [Self; 3] = [Self::Rest, Self::DeviceSends, Self::HostSends];
}

/// A voltage behind a resistance, as conductance and current.
#[derive(Clone, Copy, Debug, Default)]
struct Source {
    siemens: f32,
    amperes: f32,
}

impl Source {
    fn new(volts: f32, ohms: f32) -> Self {
        Self { siemens: 1.0 / ohms, amperes: volts / ohms }
    }

    fn and(self, other: Self) -> Self {
        Self { siemens: self.siemens + other.siemens, amperes: self.amperes + other.amperes }
    }
}

/// The contacts that are one piece of metal, of both sides: one of each for a wire, two where
/// neighbours are bridged. [`Name::Open`] stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    /// The host's.
    pub host: [Name; 2],
    /// The device's.
    pub device: [Name; 2],
}

impl Net {
    /// A wire from one contact to one contact.
    #[must_use]
    pub const fn wire(host: Name, device: Name) -> Self {
        Self { host: [host, Name::Open], device: [device, Name::Open] }
    }
}

/// Where the device has its power from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Power {
    /// From the host, through the cable.
    Cable,
    /// From its own power pack.
    Own,
    /// From nowhere.
    Off,
}

/// What the receiver makes of bytes that somebody sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hearing {
    /// Nothing.
    #[default]
    Nothing,
    /// The bytes.
    Clean,
    /// Each bit the wrong way round: garbage with framing errors.
    Inverted,
}

impl Hearing {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The host's modem inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of the RS-232 standard")]
pub struct Inputs {
    pub cts: bool,
    pub dsr: bool,
    pub dcd: bool,
    pub ri: bool,
}

/// Everything that a port can show of a cable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sight {
    /// Whether the receiver hears a space at rest: a break without end.
    pub is_break: bool,
    /// What is heard of the device's bytes.
    pub scan: Hearing,
    /// What is heard of the host's own bytes.
    pub echo: Hearing,
    /// Which modem inputs are on at rest, with RTS and DTR raised.
    pub on: Inputs,
    /// Which modem inputs move while the device sends.
    pub moved: Inputs,
}

/// What a cable does to the hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Harm {
    /// Nothing.
    None,
    /// Drivers work against each other: they get hot, and survive for a while.
    Strain,
    /// A supply feeds a driver.
    SupplyOnDriver,
    /// The supply is shorted.
    Short,
    /// The device is fed the wrong way round.
    Reversed,
}

/// A host and a device of certain makes, between which cables are tried.
#[derive(Clone, Debug)]
pub struct Rig {
    power: Power,
    /// By moment and name.
    host: [Sources; 3],
    /// Without power and with it, by moment and name.
    device: [[Sources; 3]; 2],
    /// What single wires come to, likewise, by both names: nearly every net is one.
    wires: [[Vec<Sums>; 3]; 2],
}

/// By name.
type Sources = [Source; Name::COUNT];

/// What a net comes to at a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// From the host, in A: `(bg * hi - bi * hg) / (hg + bg)`.
    current: f32,
    /// Between the two sides.
    siemens: f32,
    /// The potential where the device's ground is at 0 V.
    volts: f32,
    /// How much of the potential of the device's ground it has.
    lift: f32,
}

impl Sums {
    fn new(host: Source, device: Source) -> Self {
        let both = host.siemens + device.siemens;
        if both <= 0.0 {
            return Self::default();
        }
        Self {
            current: (device.siemens * host.amperes - device.amperes * host.siemens) / both,
            siemens: device.siemens * host.siemens / both,
            volts: (host.amperes + device.amperes) / both,
            lift: device.siemens / both,
        }
    }

    fn at(&self, ground: f32) -> f32 {
        self.volts + ground * self.lift
    }
}

/// The voltages at the host's inputs, in the order of [`INPUTS`]; an open input is pulled to 0 V.
type Volts = [f32; 5];

/// The host's inputs: the data, then the modem lines.
const INPUTS: [Name; 5] = [Name::Rxd, Name::Cts, Name::Dsr, Name::Dcd, Name::Ri];

/// The voltages of a rig at all moments.
#[derive(Clone, Copy, Debug)]
pub struct Readings {
    rest: Volts,
    device_sends: Volts,
    host_sends: Volts,
    /// Whether the device has power.
    pub is_lit: bool,
}

impl Rig {
    /// A host and a device.
    #[must_use]
    pub fn new(logic: Logic, power: Power, make: Make) -> Self {
        let host = Moment::ALL.map(|moment| Name::ALL.map(|name| host(name, moment, &make)));
        let device = [false, true].map(|is_lit| {
            Moment::ALL.map(|moment| {
                Name::ALL.map(|name| Device { logic, power, make, is_lit, moment }.source(name))
            })
        });
        let pairs = |host: &Sources, device: &Sources| {
            let each = host.iter().flat_map(|host| device.iter().map(move |it| (*host, *it)));
            each.map(|(host, device)| Sums::new(host, device)).collect::<Vec<_>>()
        };
        let of = |device: &[Sources; 3]| {
            let [one, two, three] = device;
            let [host_one, host_two, host_three] = &host;
            [pairs(host_one, one), pairs(host_two, two), pairs(host_three, three)]
        };
        let wires = [of(&device[0]), of(&device[1])];
        Self { power, host, device, wires }
    }

    /// The voltages that these nets make. A host's contact that is on none is open.
    #[must_use]
    pub fn readings(&self, nets: &[Net]) -> Readings {
        let is_lit = self.is_lit(nets);
        let rest = self.volts(nets, is_lit, Moment::Rest);
        let device_sends =
            if is_lit { self.volts(nets, is_lit, Moment::DeviceSends) } else { rest };
        let host_sends = self.volts(nets, is_lit, Moment::HostSends);
        Readings { rest, device_sends, host_sends, is_lit }
    }

    /// What the port shows of these nets.
    #[must_use]
    pub fn sight(&self, nets: &[Net]) -> Sight {
        self.readings(nets).sight(THRESHOLD)
    }

    /// Whether the device has power.
    fn is_lit(&self, nets: &[Net]) -> bool {
        match self.power {
            Power::Own => true,
            Power::Off => false,
            Power::Cable => {
                let ground = self.ground(nets, false, Moment::Rest);
                let fed = nets.iter().find(|net| net.device.contains(&Name::Supply));
                fed.is_some_and(|net| {
                    self.sums(net, false, Moment::Rest).at(ground) - ground >= START_VOLTS
                })
            }
        }
    }

    /// What these nets do to the hardware.
    #[must_use]
    pub fn harm(&self, nets: &[Net]) -> Harm {
        let is_lit = self.is_lit(nets);
        let harms = Moment::ALL.into_iter().flat_map(|moment| {
            let ground = self.ground(nets, is_lit, moment);
            nets.iter().map(move |net| self.harm_on(net, is_lit, moment, ground))
        });
        harms.max().unwrap_or(Harm::None)
    }

    fn harm_on(&self, net: &Net, is_lit: bool, moment: Moment, ground: f32) -> Harm {
        let volts = self.sums(net, is_lit, moment).at(ground);
        let host = self.host_source(net, moment);
        let current = (host.amperes - volts * host.siemens).abs();
        let (feeds, is_fed) =
            (net.host.contains(&Name::Supply), net.device.contains(&Name::Supply));
        let drives = net.host.iter().any(|name| name.is_host_output())
            || net.device.iter().any(|name| name.is_host_input());
        if is_fed && volts - ground < -0.6 && current > 0.001 {
            Harm::Reversed
        } else if feeds && current > 0.6 {
            Harm::Short
        } else if feeds && drives {
            // A driver without power is fed backwards through its protection: that burns it too.
            Harm::SupplyOnDriver
        } else if drives && current > 0.012 {
            Harm::Strain
        } else {
            Harm::None
        }
    }

    /// The potential of the device's ground.
    fn ground(&self, nets: &[Net], is_lit: bool, moment: Moment) -> f32 {
        let (mut current, mut siemens) = (0.0, STRAY_SIEMENS);
        for net in nets {
            let sums = self.sums(net, is_lit, moment);
            current += sums.current;
            siemens += sums.siemens;
        }
        current / siemens
    }

    fn volts(&self, nets: &[Net], is_lit: bool, moment: Moment) -> Volts {
        let ground = self.ground(nets, is_lit, moment);
        let mut volts = Volts::default();
        for net in nets {
            if !net.host.iter().any(|name| name.is_host_input()) {
                continue;
            }
            let here = self.sums(net, is_lit, moment).at(ground);
            for (slot, input) in volts.iter_mut().zip(INPUTS) {
                if net.host.contains(&input) {
                    *slot = here;
                }
            }
        }
        volts
    }

    fn sums(&self, net: &Net, is_lit: bool, moment: Moment) -> Sums {
        let ([host, Name::Open], [device, Name::Open]) = (net.host, net.device) else {
            return Sums::new(
                self.host_source(net, moment),
                self.device_source(net, is_lit, moment),
            );
        };
        let [dark, lit] = &self.wires;
        let wires = (if is_lit { lit } else { dark }).get(moment as usize);
        let place = host as usize * Name::COUNT + device as usize;
        wires.and_then(|wires| wires.get(place)).copied().unwrap_or_default()
    }

    fn host_source(&self, net: &Net, moment: Moment) -> Source {
        let [one, other] = net.host;
        at(&self.host, moment, one).and(at(&self.host, moment, other))
    }

    fn device_source(&self, net: &Net, is_lit: bool, moment: Moment) -> Source {
        let [dark, lit] = &self.device;
        let sources = if is_lit { lit } else { dark };
        let [one, other] = net.device;
        at(sources, moment, one).and(at(sources, moment, other))
    }
}

fn at(sources: &[Sources; 3], moment: Moment, name: Name) -> Source {
    let sources = sources.get(moment as usize);
    sources.and_then(|sources| sources.get(name as usize)).copied().unwrap_or_default()
}

impl Readings {
    /// What a port shows whose receivers hear a space above this many V.
    #[must_use]
    pub fn sight(&self, threshold: f32) -> Sight {
        let high = |volts: Volts| volts.map(|volts| volts > threshold);
        let (rest, sends, own) = (high(self.rest), high(self.device_sends), high(self.host_sends));
        let [is_break, cts, dsr, dcd, ri] = rest;
        let [space, moved @ ..] = sends;
        let on = Inputs { cts, dsr, dcd, ri };
        let [moved_cts, moved_dsr, moved_dcd, moved_ri] = moved;
        Sight {
            is_break,
            scan: hearing(is_break, space),
            echo: hearing(is_break, own[0]),
            on,
            moved: Inputs {
                cts: cts != moved_cts,
                dsr: dsr != moved_dsr,
                dcd: dcd != moved_dcd,
                ri: ri != moved_ri,
            },
        }
    }
}

/// What ports of different makes may show of the same nets.
///
/// A line that comes near the threshold is heard high by one receiver and low by another, so each line
/// is allowed what its lowest and its highest voltage allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct May {
    /// What the data input may hear of the device, by [`Hearing`].
    scans: u8,
    /// What it may hear of the host's own bytes.
    echoes: u8,
    /// Whether the data input may rest high, then the modem lines; bits in the order of [`INPUTS`].
    high: u8,
    low: u8,
    /// Which modem lines may move while the device sends, and which may stay.
    moves: u8,
    stays: u8,
    /// Whether the device may have power, and whether it may have none.
    lit: bool,
    dark: bool,
}

impl May {
    /// What readings at different makes allow.
    #[must_use]
    pub fn of(readings: &[Readings]) -> Self {
        let mut may = Self {
            scans: 0,
            echoes: 0,
            high: 0,
            low: 0,
            moves: 0,
            stays: 0,
            lit: readings.iter().any(|one| one.is_lit),
            dark: readings.iter().any(|one| !one.is_lit),
        };
        for input in 0..INPUTS.len() {
            let bit = 1_u8 << input;
            let range = |volts: fn(&Readings) -> &Volts| {
                Range::of(readings.iter().filter_map(|one| volts(one).get(input).copied()))
            };
            let (rest, sends, own) = (
                range(|one| &one.rest),
                range(|one| &one.device_sends),
                range(|one| &one.host_sends),
            );
            let swing = |volts: fn(&Readings) -> &Volts| {
                readings.iter().any(|one| {
                    let pair = one.rest.get(input).zip(volts(one).get(input));
                    pair.is_some_and(|(rest, now)| (rest - now).abs() > LEAST_SWING)
                })
            };
            if rest.may_be_high() {
                may.high |= bit;
            }
            if rest.may_be_low() {
                may.low |= bit;
            }
            let scans = rest.hearings(sends, swing(|one| &one.device_sends));
            if input == 0 {
                may.scans = scans;
                may.echoes = rest.hearings(own, swing(|one| &one.host_sends));
            }
            if scans & !NOTHING != 0 {
                may.moves |= bit;
            }
            if scans & NOTHING != 0 {
                may.stays |= bit;
            }
        }
        may
    }

    /// Whether the line at rest may be a break, or not be one.
    #[must_use]
    pub fn allows_break(&self, is_break: bool) -> bool {
        (if is_break { self.high } else { self.low }) & 1 != 0
    }

    /// Whether that may be heard of the device.
    #[must_use]
    pub fn allows_scan(&self, hearing: Hearing) -> bool {
        self.scans & hearing.bit() != 0
    }

    /// Whether the host's own bytes may come back, or not.
    #[must_use]
    pub fn allows_echo(&self, is_echo: bool) -> bool {
        self.echoes & (if is_echo { !NOTHING } else { NOTHING }) != 0
    }

    /// Whether these modem lines may be on and the others off.
    #[must_use]
    pub fn allows_on(&self, on: Inputs) -> bool {
        on.bits() & !self.high == 0 && !on.bits() & MODEM & !self.low == 0
    }

    /// Whether these modem lines may move and the others stay.
    #[must_use]
    pub fn allows_moved(&self, moved: Inputs) -> bool {
        moved.bits() & !self.moves == 0 && !moved.bits() & MODEM & !self.stays == 0
    }

    /// Whether the device may have power, or have none.
    #[must_use]
    pub fn allows_light(&self, is_lit: bool) -> bool {
        if is_lit { self.lit } else { self.dark }
    }
}

/// The modem lines among the bits of [`INPUTS`].
const MODEM: u8 = 0b1_1110;
const NOTHING: u8 = Hearing::Nothing.bit();
/// Less than this moves no receiver, in V.
const LEAST_SWING: f32 = 0.05;

impl Inputs {
    const fn bits(self) -> u8 {
        (self.cts as u8) << 1 | (self.dsr as u8) << 2 | (self.dcd as u8) << 3 | (self.ri as u8) << 4
    }
}

/// From the lowest to the highest voltage.
#[derive(Clone, Copy, Debug)]
struct Range {
    least: f32,
    most: f32,
}

impl Range {
    fn of(volts: impl Iterator<Item = f32>) -> Self {
        let start = Self { least: f32::INFINITY, most: f32::NEG_INFINITY };
        volts.fold(start, |range, volts| Self {
            least: range.least.min(volts),
            most: range.most.max(volts),
        })
    }

    fn may_be_high(self) -> bool {
        self.most > THRESHOLDS.0
    }

    fn may_be_low(self) -> bool {
        self.least <= THRESHOLDS.1
    }

    /// What may be heard of a line that is so at rest and so during a space.
    fn hearings(self, space: Self, swings: bool) -> u8 {
        let mut hearings = 0;
        let same_low = self.may_be_low() && space.may_be_low();
        let same_high = self.may_be_high() && space.may_be_high();
        if same_low || same_high {
            hearings |= NOTHING;
        }
        if swings && self.may_be_low() && space.may_be_high() {
            hearings |= Hearing::Clean.bit();
        }
        if swings && self.may_be_high() && space.may_be_low() {
            hearings |= Hearing::Inverted.bit();
        }
        hearings
    }
}

fn host(name: Name, moment: Moment, make: &Make) -> Source {
    let volts = make.host_volts;
    match name {
        Name::Txd if moment == Moment::HostSends => Source::new(volts, DRIVER_OHMS),
        Name::Txd => Source::new(-volts, DRIVER_OHMS),
        Name::Rts | Name::Dtr => Source::new(volts, DRIVER_OHMS),
        Name::Rxd | Name::Cts | Name::Dsr | Name::Dcd | Name::Ri => {
            Source::new(0.0, make.receiver_ohms)
        }
        Name::Gnd => Source::new(0.0, GROUND_OHMS),
        Name::Supply => Source::new(SUPPLY_VOLTS, SUPPLY_OHMS),
        Name::Open => Source::default(),
    }
}

/// A device at a moment.
struct Device {
    logic: Logic,
    power: Power,
    make: Make,
    is_lit: bool,
    moment: Moment,
}

impl Device {
    fn source(&self, name: Name) -> Source {
        let volts = self.make.device_volts;
        match name {
            Name::Gnd => Source::new(0.0, GROUND_OHMS),
            // With a power pack of its own it takes nothing from the cable.
            Name::Supply if self.power == Power::Own => Source::default(),
            Name::Supply => Source::new(0.0, LOAD_OHMS),
            Name::Open => Source::default(),
            Name::Txd | Name::Rts | Name::Dtr => match self.logic {
                Logic::Rs232 => Source::new(0.0, self.make.receiver_ohms),
                Logic::Ttl if self.is_lit => Source::new(LOGIC_VOLTS, PULL_UP_OHMS),
                Logic::Ttl => Source::new(0.0, PULL_UP_OHMS),
            },
            _ if !self.is_lit => Source::new(0.0, self.make.dark_ohms),
            Name::Rxd => {
                let volts = match (self.logic, self.moment == Moment::DeviceSends) {
                    (Logic::Rs232, false) => -volts,
                    (Logic::Rs232, true) => volts,
                    (Logic::Ttl, false) => LOGIC_VOLTS,
                    (Logic::Ttl, true) => 0.0,
                };
                Source::new(volts, DRIVER_OHMS)
            }
            Name::Ri if self.logic == Logic::Rs232 => Source::new(-volts, DRIVER_OHMS),
            Name::Ri => Source::new(LOGIC_VOLTS, DRIVER_OHMS),
            Name::Cts | Name::Dsr | Name::Dcd => match self.logic {
                Logic::Rs232 => Source::new(volts, DRIVER_OHMS),
                // Ready is low there.
                Logic::Ttl => Source::new(0.0, DRIVER_OHMS),
            },
        }
    }
}

/// What a receiver makes of a line that is so at rest and so during a space.
fn hearing(at_rest: bool, at_space: bool) -> Hearing {
    match (at_rest, at_space) {
        (false, true) => Hearing::Clean,
        (true, false) => Hearing::Inverted,
        _ => Hearing::Nothing,
    }
}

#[cfg(test)]
mod tests;
