//! A recorded dialogue, told to a person: every packet, and of its message what may be shown.
//!
//! Contract: pure. A key that is not in the tables may name the customer: it is told by its length.

use std::time::Duration;

use serde_json::Value as Json;

use crate::event::Timestamp;
use crate::frame::Packets;
use crate::frame::packet::Found;
use crate::frame::paycloud::{Kind, Packet, weigh};
use crate::normalize::mask;
use crate::protocol::Side;
use crate::protocol::concert::last_four;
use crate::recording::message::{Field, Message, SIDES, Stop, Stretch, hidden, place};

/// A recording has no time: no packet is given up.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The keys whose values are shown.
const SHOWN: [&str; 28] = [
    "topic",
    "request_id",
    "version",
    "timestamp",
    "response_code",
    "response_msg",
    "merchant_order_no",
    "orig_merchant_order_no",
    "trans_type",
    "trans_status",
    "trans_no",
    "trans_end_time",
    "pay_channel_trans_no",
    "ref_no",
    "order_amount",
    "paid_amount",
    "tip_amount",
    "cashback_amount",
    "price_currency",
    "pay_scenario",
    "pay_method_id",
    "confirm_on_terminal",
    "on_screen_tip",
    "expires",
    "entry_mode",
    "auth_code",
    "batch_no",
    "trace_no",
];
/// The keys that name a card or an account.
const CARDS: [&str; 2] = ["card_no", "pay_user_account_id"];

/// Tells a dialogue.
#[must_use]
pub fn told(stretches: &[Stretch]) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut framers = SIDES.map(|_| Packets::new(weigh, NEVER));
    for Stretch { line, side, bytes } in stretches {
        if let Some(framer) = framers.get_mut(place(*side)) {
            framer.receive(Timestamp::default(), bytes, &mut |one| {
                messages.extend(found(*line, *side, one));
            });
        }
    }
    let line = stretches.last().map_or(0, |stretch| stretch.line);
    for (framer, side) in framers.iter_mut().zip(SIDES) {
        framer.abandon(&mut |one| messages.extend(found(line, side, one)));
    }
    messages
}

fn found(line: usize, side: Option<Side>, found: Found<'_>) -> Option<Message> {
    match found {
        Found::Packet { bytes, .. } => {
            Packet::read(bytes).map(|packet| told_packet(line, side, &packet))
        }
        Found::Fault(fault) => Some(Message::of_fault(line, side, &fault)),
        // A fault tells of it.
        Found::Garbled(_) => None,
    }
}

fn told_packet(line: usize, side: Option<Side>, packet: &Packet<'_>) -> Message {
    let name = match (packet.kind, packet.data) {
        (Kind::Handshake, _) => "greeting",
        (Kind::Confirmation, _) => "greeting confirmed",
        (Kind::Normal, []) if packet.ack == 0 => "a sign of life",
        (Kind::Normal, []) => "acknowledged",
        (Kind::Normal, _) => "message",
    };
    let mut fields = Vec::new();
    let ids = [("its number", packet.id), ("number acknowledged", packet.ack)];
    let known = ids.into_iter().filter(|(_, id)| *id != 0);
    fields.extend(known.map(|(name, id)| Field::new("", name, id.to_string())));
    let mut stop = None;
    if !packet.data.is_empty() {
        match serde_json::from_slice(packet.data) {
            Ok(Json::Object(map)) => {
                fields.extend(map.iter().map(|(key, value)| field(key, value)))
            }
            _ => {
                let why = format!("no JSON object; {}", hidden(packet.data));
                stop = Some(Stop { at: 0, why });
            }
        }
    }
    let tag = format!("{:02X}", packet.kind as u8);
    Message { line, side, tag, name: name.to_owned(), fields, stop }
}

fn field(key: &str, value: &Json) -> Field {
    let told = |value| Field::new("", &mask::masked(key), value);
    // Some write the object of an order as a text.
    let inner = value.as_str().and_then(|text| serde_json::from_str::<Json>(text).ok());
    let order = value.as_object().or(inner.as_ref().and_then(Json::as_object));
    if let Some(order) = order.filter(|_| key == "biz_data") {
        let fields = order.iter().map(|(key, value)| field(key, value)).collect();
        return Field { fields, ..told(String::new()) };
    }
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    told(match key {
        _ if CARDS.contains(&key) => last_four(&text),
        _ if SHOWN.contains(&key) => mask::masked(&text),
        _ => hidden(text.as_bytes()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::message::hex;
    use crate::recording::pasted;

    #[test]
    fn packets_are_told_and_name_no_customer() {
        let order = br#"{"topic":"ecrhub.pay.order","biz_data":{"merchant_order_no":"A1","order_amount":"12.50",
            "card_no":"4111111111111111","card_holder":"MUSTERMANN"}}"#;
        let packet =
            |id, data: &[u8]| hex(&Packet { kind: Kind::Normal, ack: 0, id, data }.bytes());
        let log = format!(
            "> {}\n< {}\n> {}\n< {}\n< {}\n< 55 AA 00",
            hex(&Packet::empty(Kind::Handshake).bytes()),
            hex(&Packet::empty(Kind::Confirmation).bytes()),
            packet(1, order),
            hex(&Packet::acknowledging(1).bytes()),
            packet(2, b"\x0A\x04test"),
        );
        let messages = told(&pasted::read(&log));
        let names: Vec<&str> = messages.iter().map(|message| message.name.as_str()).collect();
        assert_eq!(
            names[..5],
            ["greeting", "greeting confirmed", "message", "acknowledged", "message"]
        );
        let shown = format!("{messages:?}");
        for told in [
            "ecrhub.pay.order",
            "12.50",
            "************1111",
            "10 bytes, not shown",
            "no JSON object",
        ] {
            assert!(shown.contains(told), "{told}: {shown}");
        }
        assert!(!shown.contains("4111") && !shown.contains("MUSTER"), "{shown}");
        assert_eq!(messages.len(), 6, "{shown}");
    }
}
