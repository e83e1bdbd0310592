//! What the model says of orders whose outcome is known.

use super::*;
use Name::{Cts, Gnd, Rts, Rxd, Supply, Txd};

fn rig(nets: &[(Name, Name)], logic: Logic, power: Power) -> (Sight, Harm) {
    let nets: Vec<Net> = nets.iter().map(|(host, device)| Net::wire(*host, *device)).collect();
    let rig = Rig::new(logic, power, USUAL);
    (rig.sight(&nets), rig.harm(&nets))
}

const STRAIGHT: [(Name, Name); 4] = [(Txd, Txd), (Rxd, Rxd), (Gnd, Gnd), (Supply, Supply)];

#[test]
fn the_right_cable_speaks() {
    let (sight, harm) = rig(&STRAIGHT, Logic::Rs232, Power::Cable);
    assert_eq!((sight.is_break, sight.scan, sight.echo), (false, Hearing::Clean, Hearing::Nothing));
    assert_eq!(harm, Harm::None);
}

#[test]
fn without_the_supply_there_is_silence() {
    let (sight, _) = rig(&STRAIGHT[..3], Logic::Rs232, Power::Cable);
    assert_eq!((sight.is_break, sight.scan), (false, Hearing::Nothing));
    let (sight, _) = rig(&STRAIGHT[..3], Logic::Rs232, Power::Own);
    assert_eq!(sight.scan, Hearing::Clean, "with a power pack of its own it speaks");
}

#[test]
fn transmitter_on_transmitter_is_silence_and_strains_both() {
    let swapped = [(Txd, Rxd), (Rxd, Txd), (Gnd, Gnd), (Supply, Supply)];
    let (sight, harm) = rig(&swapped, Logic::Rs232, Power::Cable);
    assert_eq!(
        (sight.is_break, sight.scan, sight.echo),
        (false, Hearing::Nothing, Hearing::Nothing)
    );
    // At rest both say the same; one's space against the other's mark is what strains.
    assert_eq!(harm, Harm::Strain);
}

#[test]
fn a_logic_module_holds_a_break_and_is_heard_the_wrong_way_round() {
    let (sight, _) = rig(&STRAIGHT, Logic::Ttl, Power::Cable);
    assert_eq!((sight.is_break, sight.scan), (true, Hearing::Inverted));
}

#[test]
fn supplies_in_the_wrong_place_do_harm() {
    for (wires, harm) in [
        ([(Txd, Txd), (Rxd, Rxd), (Gnd, Supply), (Supply, Gnd)], Harm::Reversed),
        ([(Txd, Txd), (Supply, Rxd), (Gnd, Gnd), (Rxd, Supply)], Harm::SupplyOnDriver),
        ([(Gnd, Txd), (Rxd, Rxd), (Supply, Gnd), (Txd, Supply)], Harm::Reversed),
    ] {
        assert_eq!(rig(&wires, Logic::Rs232, Power::Cable).1, harm, "{wires:?}");
    }
}

#[test]
fn a_device_that_is_dark_and_lifted_to_the_supply_holds_a_break() {
    // The host's RXD meets a receiver of a device whose ground is at +5 V.
    let (sight, _) =
        rig(&[(Rxd, Txd), (Supply, Gnd), (Txd, Rxd), (Gnd, Supply)], Logic::Rs232, Power::Cable);
    assert!(sight.is_break);
}

#[test]
fn data_on_a_control_line_makes_it_move() {
    let wires = [(Cts, Rxd), (Gnd, Gnd), (Rxd, Cts), (Rts, Txd)];
    let (sight, _) = rig(&wires, Logic::Rs232, Power::Own);
    assert!(sight.moved.cts && !sight.on.cts);
    assert!(sight.is_break, "a ready line on the data input is a break without end");
}

#[test]
fn a_bridge_gives_the_host_its_own_words() {
    let bridge = Net { host: [Txd, Rxd], device: [Name::Open; 2] };
    let rig = Rig::new(Logic::Rs232, Power::Own, USUAL);
    assert_eq!(rig.sight(&[bridge, Net::wire(Gnd, Gnd)]).echo, Hearing::Clean);
}
