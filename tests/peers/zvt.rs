//! ZVT: the crate `zvt` from the Rust registry reads what our driver says and says what our driver reads,
//! and as a till pays at our simulated terminal over a virtual port.
//!
//! It speaks APDUs, as over TCP; the serial line around them is the test's own ([`serial`]).

mod serial;

use std::collections::VecDeque;

use tillbus::event::Timestamp;
use tillbus::event::terminal::{
    Copy, Currency, Ending, Entry, Instruction, Line, Operation, Order,
};
use tillbus::protocol::{Input, Item, Output, Protocol};
use tillbus::secret::Secret;
use tillbus::settings::Section;
use tillbus::sim::{self, Simulation};
use tokio::io::AsyncWriteExt as _;
use zvt::packets::{self, tlv};
use zvt::sequences::{self, AuthorizationResponse, EndOfDayResponse, Sequence as _};
use zvt::{Zvt, ZvtParser as _, ZvtSerializer as _, encoding, length};

use crate::support;

/// An authorization, which the crate has not: made of its parts.
#[derive(Debug, PartialEq, Zvt)]
#[zvt_control_field(class = 0x06, instr = 0x01)]
struct Authorization {
    #[zvt_bmp(number = 0x04, length = length::Fixed<6>, encoding = encoding::Bcd)]
    amount: Option<usize>,
    #[zvt_bmp(number = 0x49, length = length::Fixed<2>, encoding = encoding::Bcd)]
    currency: Option<usize>,
}

/// A reversal, made likewise.
#[derive(Debug, PartialEq, Zvt)]
#[zvt_control_field(class = 0x06, instr = 0x30)]
struct Reversal {
    #[zvt_bmp(length = length::Fixed<3>, encoding = encoding::Bcd)]
    password: usize,
    #[zvt_bmp(number = 0x87, length = length::Fixed<2>, encoding = encoding::Bcd)]
    receipt: Option<usize>,
}

/// Our driver with a terminal that is played by hand.
struct Till {
    protocol: Box<dyn Protocol>,
    out: Output,
    /// The APDUs it has said and that have not been looked at.
    said: VecDeque<Vec<u8>>,
    entries: Vec<Entry>,
}

impl Till {
    fn new(options: &str) -> Self {
        let protocol = support::configure("zvt", options).unwrap()();
        Self { protocol, out: Output::default(), said: VecDeque::new(), entries: Vec::new() }
    }

    fn instruct(&mut self, instruction: Instruction) {
        self.protocol.instruct(Timestamp(1), instruction, &mut self.out).unwrap();
        self.listen();
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.protocol.receive(Timestamp(1), Input::Bytes(bytes), &mut self.out);
        self.listen();
    }

    fn listen(&mut self) {
        while let Some(item) = self.out.pop() {
            match item {
                Item::Write(bytes, _) if bytes.len() > 1 => {
                    self.said.push_back(serial::unframed(&bytes));
                }
                Item::Persist(entry) => self.entries.push(entry),
                _ => {}
            }
        }
    }

    /// The terminal acknowledges what was said, and the answer is taken from what is said next.
    fn next(&mut self) -> Vec<u8> {
        let said = self.said.pop_front().expect("the till says something");
        self.hear(&[serial::ACK]);
        said
    }

    /// The terminal says this, and the till takes it.
    fn told(&mut self, apdu: &[u8]) {
        self.hear(&serial::framed(apdu));
        packets::Ack::zvt_deserialize(&self.next()).unwrap();
    }

    /// The terminal takes the registration, and the till's next command comes.
    fn registered(&mut self) -> packets::Registration {
        let said = self.next();
        self.hear(&serial::framed(&packets::Ack {}.zvt_serialize()));
        self.told(
            &packets::CompletionData {
                terminal_id: Some(52_523_535),
                currency: Some(978),
                ..packets::CompletionData::default()
            }
            .zvt_serialize(),
        );
        packets::Registration::zvt_deserialize(&said).unwrap().0
    }
}

fn order(operation: Operation, receipt: Option<u32>) -> Order {
    Order {
        password: Some(Secret::new("123456".to_owned())),
        ..Order::new(1, operation, 1250, receipt)
    }
}

/// What the till says for an order, once it is registered.
fn command(operation: Operation, receipt: Option<u32>) -> Vec<u8> {
    let mut till = Till::new("");
    till.instruct(Instruction::Begin(order(operation, receipt)));
    till.registered();
    till.next()
}

#[test]
fn their_parser_takes_what_our_driver_says() {
    let mut till = Till::new("language = 2");
    till.instruct(Instruction::Begin(order(Operation::Payment, None)));
    let registration = till.registered();
    let want = packets::Registration {
        password: 123_456,
        config_byte: 0xBE,
        currency: Some(978),
        tlv: None,
    };
    assert_eq!(registration, want);
    let language = till.next();
    let read = packets::SelectLanguage::zvt_deserialize(&language).unwrap().0;
    assert_eq!(read.zvt_serialize(), language);
    let (amount, currency) = (Some(1250), Some(978));
    assert_eq!(
        Authorization::zvt_deserialize(&command(Operation::Payment, None)).unwrap().0,
        Authorization { amount, currency }
    );
    assert_eq!(
        Reversal::zvt_deserialize(&command(Operation::Reversal, Some(343))).unwrap().0,
        Reversal { password: 123_456, receipt: Some(343) }
    );
    assert_eq!(
        packets::Reservation::zvt_deserialize(&command(Operation::Preauth, None)).unwrap().0,
        packets::Reservation { amount, currency, ..packets::Reservation::default() }
    );
    assert_eq!(
        packets::PreAuthReversal::zvt_deserialize(&command(Operation::CancelPreauth, Some(9)))
            .unwrap()
            .0,
        packets::PreAuthReversal { payment_type: None, currency: None, receipt_no: Some(9) }
    );
    assert_eq!(
        packets::EndOfDay::zvt_deserialize(&command(Operation::Close, None)).unwrap().0,
        packets::EndOfDay { password: 123_456 }
    );
    assert_eq!(
        packets::Diagnosis::zvt_deserialize(&command(Operation::Diagnosis, None)).unwrap().0,
        packets::Diagnosis { tlv: None }
    );
    let mut till = Till::new("");
    till.instruct(Instruction::Enquire(order(Operation::Payment, None)));
    till.registered();
    assert_eq!(
        packets::StatusEnquiry::zvt_deserialize(&till.next()).unwrap().0,
        packets::StatusEnquiry { password: Some(123_456), service_byte: None, tlv: None }
    );
}

/// A payment's status as they write it.
fn status(result: u8) -> packets::StatusInformation {
    packets::StatusInformation {
        result_code: Some(result),
        amount: Some(1250),
        currency: Some(978),
        trace_number: Some(975),
        date: Some(405),
        time: Some(225_558),
        terminal_id: Some(52_523_535),
        receipt_no: Some(231),
        aid_authorization_attribute: Some("750071  ".to_owned()),
        card_name: Some("MasterCard".to_owned()),
        ..packets::StatusInformation::default()
    }
}

#[test]
fn our_driver_reads_what_theirs_writes() {
    let mut till = Till::new("");
    till.instruct(Instruction::Begin(order(Operation::Payment, None)));
    till.registered();
    till.next();
    till.hear(&serial::framed(&packets::Ack {}.zvt_serialize()));
    let waiting = packets::IntermediateStatusInformation { status: 0x0A, timeout: None };
    till.told(&waiting.zvt_serialize());
    till.told(&packets::PrintLine { attribute: 0, text: "EUR 12.50".to_owned() }.zvt_serialize());
    let lines = tlv::TextLines { lines: vec!["Thanks".to_owned(), String::new()], eol: None };
    let block = tlv::PrintTextBlock { receipt_type: Some(2), lines: Some(lines) };
    till.told(&packets::PrintTextBlock { tlv: Some(block) }.zvt_serialize());
    till.told(&status(0).zvt_serialize());
    till.told(&packets::CompletionData::default().zvt_serialize());
    let lines: Vec<&Line> = till
        .entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Receipt(line) => Some(line),
            _ => None,
        })
        .collect();
    let texts: Vec<(Copy, &str)> =
        lines.iter().map(|line| (line.copy, line.text.as_str())).collect();
    let want = [(Copy::Unnamed, "EUR 12.50"), (Copy::Customer, "Thanks"), (Copy::Customer, "")];
    assert_eq!(texts, want);
    let Some(Entry::Answer(answer)) =
        till.entries.iter().find(|entry| matches!(entry, Entry::Answer(_)))
    else {
        panic!("no answer: {:?}", till.entries)
    };
    assert_eq!((answer.amount, answer.currency), (Some(1250), Some(Currency::EUR)));
    assert_eq!((answer.receipt, answer.trace), (Some(231), Some(975)));
    assert_eq!(answer.terminal.as_deref(), Some("52523535"));
    assert_eq!(answer.clock.to_string(), "04-05 22:55:58");
    assert_eq!(answer.authorization_code.as_deref(), Some("750071"));
    assert_eq!(answer.brand.as_deref(), Some("MasterCard"));
    assert_eq!(till.entries.last(), Some(&Entry::Ended(Ending::Approved)));
}

#[test]
fn what_theirs_declines_is_declined() {
    let mut till = Till::new("");
    till.instruct(Instruction::Begin(order(Operation::Payment, None)));
    till.registered();
    till.next();
    till.hear(&serial::framed(&packets::Ack {}.zvt_serialize()));
    till.told(&status(0x05).zvt_serialize());
    till.told(&packets::Abort { error: 0x05 }.zvt_serialize());
    assert_eq!(till.entries.last(), Some(&Entry::Ended(Ending::Declined)));
}

/// What is said until the dialogue is over.
async fn dialogue(
    line: &mut tokio::io::DuplexStream,
    order: &Authorization,
) -> Vec<AuthorizationResponse> {
    let mut line = std::pin::Pin::new(line);
    sequences::write_with_ack_async(order, &mut line).await.unwrap();
    let mut said = Vec::new();
    loop {
        let apdu = sequences::read_packet_async(&mut line).await.unwrap();
        said.push(AuthorizationResponse::zvt_parse(&apdu).unwrap());
        line.write_all(&packets::Ack {}.zvt_serialize()).await.unwrap();
        if let Some(AuthorizationResponse::CompletionData(_) | AuthorizationResponse::Abort(_)) =
            said.last()
        {
            return said;
        }
    }
}

/// All that a sequence of theirs yields.
macro_rules! all {
    ($sequence:ty, $input:expr, $line:expr) => {{
        let input = $input;
        let mut stream = <$sequence>::into_stream(&input, $line);
        let mut all = Vec::new();
        while let Some(one) =
            std::future::poll_fn(|context| stream.as_mut().poll_next(context)).await
        {
            all.push(one.unwrap());
        }
        all
    }};
}

#[tokio::test]
async fn a_till_of_theirs_pays_at_our_terminal_over_a_virtual_port() {
    let device = (sim::find("zvt").unwrap().configure)(&Section::empty("p")).unwrap();
    let options = sim::Options { device, link: None, baud: None };
    let mut simulation = Simulation::start(options).unwrap();
    let path = simulation.path().unwrap().to_owned();
    let (stop, commands) = tokio::sync::mpsc::channel(1);
    let simulated = tokio::spawn(async move {
        simulation.run(commands).await.unwrap();
        simulation.ledger()
    });
    let mut line = serial::connect(&path);

    let registration =
        packets::Registration { password: 0, config_byte: 0xBE, currency: Some(978), tlv: None };
    let said = all!(sequences::Registration, registration, &mut line);
    let [sequences::RegistrationResponse::CompletionData(completion)] = said.as_slice() else {
        panic!("{said:?}")
    };
    assert_eq!((completion.terminal_id, completion.currency), (Some(52_523_535), Some(978)));

    let payment = Authorization { amount: Some(1250), currency: Some(978) };
    for receipt in [1, 2] {
        let said = dialogue(&mut line, &payment).await;
        let status = said.iter().find_map(|one| match one {
            AuthorizationResponse::StatusInformation(status) => Some(status),
            _ => None,
        });
        let status = status.unwrap_or_else(|| panic!("no status: {said:?}"));
        assert_eq!((status.result_code, status.amount), (Some(0), Some(1250)));
        assert_eq!(status.receipt_no, Some(receipt));
        assert!(matches!(said.last(), Some(AuthorizationResponse::CompletionData(_))));
        let printed = said.iter().filter(|one| matches!(one, AuthorizationResponse::PrintLine(_)));
        assert!(printed.count() > 3);
    }

    let (amount, currency) = (Some(5000), Some(978));
    let reservation = packets::Reservation { amount, currency, ..packets::Reservation::default() };
    let said = all!(sequences::Reservation, reservation, &mut line);
    assert!(matches!(said.last(), Some(AuthorizationResponse::CompletionData(_))), "{said:?}");

    let said = all!(sequences::EndOfDay, packets::EndOfDay { password: 0 }, &mut line);
    let totals = said.iter().find_map(|one| match one {
        EndOfDayResponse::StatusInformation(status) => status.single_amounts.as_ref(),
        _ => None,
    });
    let totals = totals.unwrap_or_else(|| panic!("no totals: {said:?}"));
    assert_eq!((totals.receipt_no_start, totals.receipt_no_end), (1, 3));
    assert_eq!((totals.eurocard.num, totals.eurocard.total), (2, 2500));

    drop(stop);
    let booked = simulated.await.unwrap();
    assert_eq!(booked, ["payment 1 1250", "payment 2 1250", "preauth 3 5000"]);
}
