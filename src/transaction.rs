//! A terminal's transaction: its states, and what may be concluded about one whose end nobody saw.
//!
//! Contract: pure. [`Transaction::note`] is the one place where what a terminal said changes a state, in
//! memory and when the ledger is read. [`weigh`] decides whether a terminal's last receipt is that of a
//! transaction that was cut off; in doubt it is not.

mod cashier;

use std::borrow::Cow;
use std::time::Duration;

use crate::event::terminal::{
    Answer, Clock, Currency, Ending, Entry, Line, Operation, Order, Original, Question,
};

pub use cashier::Verdict;

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Written down; nothing has been sent that could move money.
    Preparing,
    /// From here on the terminal may have moved money.
    Sent,
    /// The terminal has taken the order.
    InProgress,
    /// The customer is waited for.
    AwaitingCustomer,
    /// The cashier is waited for.
    AwaitingCashier,
    /// Done.
    Approved,
    /// Refused by the terminal or the bank.
    Declined,
    /// Stopped by a person, before anything was done.
    Aborted,
    /// It did not begin.
    Failed,
    /// Nobody knows; a person has to find out.
    Unknown,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Preparing,
        Self::Sent,
        Self::InProgress,
        Self::AwaitingCustomer,
        Self::AwaitingCashier,
        Self::Approved,
        Self::Declined,
        Self::Aborted,
        Self::Failed,
        Self::Unknown,
    ];

    /// The word used on the bus and in the ledger.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Sent => "sent",
            Self::InProgress => "in-progress",
            Self::AwaitingCustomer => "awaiting-customer",
            Self::AwaitingCashier => "awaiting-cashier",
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Aborted => "aborted",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// The state of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    /// Whether it has come to its end, known or not.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Approved | Self::Declined | Self::Aborted | Self::Failed | Self::Unknown
        )
    }
}

/// What is asked for, as it is written down before anything else happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The terminal, by its name in configuration.
    pub device: String,
    /// The lane it stands at.
    pub lane: String,
    /// The idempotency key; empty where no money moves and none was given, and of a reversal that undoes
    /// what the cashier refused.
    pub key: String,
    /// Who asked, by user id.
    pub user: u32,
    /// What is to be done.
    pub operation: Operation,
    /// The amount in minor units, 0 where there is none.
    pub amount: u64,
    /// Its currency.
    pub currency: Currency,
    /// The receipt number of the earlier transaction it is about.
    pub receipt: Option<u32>,
    /// Whether no real money is meant.
    pub simulated: bool,
    /// When, microseconds since 1970.
    pub began: u64,
}

/// What the keys begin with of transactions that were heard of another till's: that one has keys of its own, if
/// any, and tells nobody.
pub const OVERHEARD: &str = "overheard ";
/// Why nobody knows how such a transaction went.
pub const NOT_HEARD: &str = "its end was not heard";

impl Intent {
    /// Whether it is another till's, and was only heard: it is nobody's here.
    #[must_use]
    pub fn is_overheard(&self) -> bool {
        self.key.starts_with(OVERHEARD)
    }

    /// The user whose it is; nobody's where it was heard.
    #[must_use]
    pub fn whose(&self) -> Option<u32> {
        (!self.is_overheard()).then_some(self.user)
    }

    /// Whether the other one, with the same key, asks for the same, and for the same kind of money.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let own = |intent: &Self| {
            (intent.user, intent.operation, intent.amount, intent.currency, intent.receipt)
        };
        own(self) == own(other) && self.simulated == other.simulated
    }
}

/// What is known of a terminal before a transaction begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The last receipt number it gave out.
    pub receipt: Option<u32>,
    /// Its own number.
    pub terminal: Option<String>,
    /// What is known of the earlier transaction that the new one is about.
    pub original: Option<Original>,
}

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its number in the ledger.
    pub id: u64,
    /// What was asked for.
    pub intent: Intent,
    /// What was known of the terminal then.
    pub known: Known,
    /// Where it stands.
    pub state: State,
    /// Whether the terminal has said that it took the order.
    pub is_accepted: bool,
    /// The terminal's word.
    pub answer: Option<Box<Answer>>,
    /// What it said that did not fit, that decided nothing or came too late: for whoever looks into it.
    /// Nothing is concluded from it.
    pub evidence: Vec<Answer>,
    /// The lines of its receipts.
    pub lines: Vec<Line>,
    /// Why it ended so, in words; empty where the answer says it.
    pub reason: String,
    /// When it ended, microseconds since 1970.
    pub ended: Option<u64>,
    /// Who settled it by hand, and what was noted.
    pub resolution: Option<Resolution>,
    /// What the cashier is asked, while that is open.
    pub question: Option<Question>,
    /// The transaction that undoes it, or has.
    pub undone_by: Option<u64>,
    /// The transaction that it is to undo.
    pub undoes: Option<u64>,
}

/// How a person settled a transaction whose outcome was unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The person's user id.
    pub user: u32,
    /// What was noted.
    pub note: String,
    /// When, microseconds since 1970.
    pub time: u64,
}

/// What has to happen after something was noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Nothing,
    /// It is over.
    Over,
    /// The cashier has to be asked.
    Ask,
    /// The terminal has to be asked what it did.
    Enquire,
}

impl Transaction {
    /// A transaction that nothing has been done for yet.
    #[must_use]
    pub fn new(id: u64, intent: Intent, known: Known) -> Self {
        Self {
            id,
            intent,
            known,
            state: State::Preparing,
            is_accepted: false,
            answer: None,
            evidence: Vec::new(),
            lines: Vec::new(),
            reason: String::new(),
            ended: None,
            resolution: None,
            question: None,
            undone_by: None,
            undoes: None,
        }
    }

    /// The order for the terminal.
    #[must_use]
    pub fn order(&self) -> Order {
        let Intent { operation, amount, currency, receipt, began, .. } = self.intent;
        Order {
            currency,
            began,
            original: self.known.original,
            last_receipt: self.known.receipt,
            ..Order::new(self.id, operation, amount, receipt)
        }
    }

    /// Takes in what the terminal's side has put on disk. What comes after the end changes nothing, and is
    /// kept.
    pub fn note(&mut self, entry: &Entry) -> Next {
        if self.state.is_final() {
            match entry {
                Entry::Receipt(line) => self.lines.push(line.clone()),
                Entry::Amended(lines) => self.amend(lines),
                Entry::Answer(answer) | Entry::Late(_, answer) => {
                    self.evidence.push(answer.as_ref().clone());
                }
                Entry::Sending | Entry::Accepted | Entry::Reprint | Entry::Ended(_) => {}
            }
            return Next::Nothing;
        }
        match entry {
            // Where the cashier's code is sent, what was said before was about the try without it.
            Entry::Sending => {
                self.state = State::Sent;
                (self.is_accepted, self.question, self.answer) = (false, None, None);
            }
            Entry::Accepted => {
                self.is_accepted = true;
                self.state = State::InProgress;
            }
            Entry::Receipt(line) => self.lines.push(line.clone()),
            Entry::Amended(lines) => self.amend(lines),
            Entry::Reprint => self.lines.clear(),
            Entry::Answer(answer) => self.hear(answer),
            Entry::Late(_, answer) => self.evidence.push(answer.as_ref().clone()),
            Entry::Ended(ending) => return self.end(ending),
        }
        Next::Nothing
    }

    /// Puts the last lines right, where there are as many.
    fn amend(&mut self, lines: &[Line]) {
        if let Some(first) = self.lines.len().checked_sub(lines.len()) {
            self.lines.truncate(first);
            self.lines.extend_from_slice(lines);
        }
    }

    /// Takes in the terminal's word. Told again it may say less: that the customer has to sign is kept.
    fn hear(&mut self, answer: &Answer) {
        let mut answer = Box::new(answer.clone());
        if let Some(before) = &self.answer
            && (before.approved, before.receipt) == (answer.approved, answer.receipt)
        {
            answer.signature |= before.signature;
            answer.question = answer.question.or(before.question);
        }
        self.answer = Some(answer);
    }

    fn end(&mut self, ending: &Ending) -> Next {
        let question = self.answer.as_ref().and_then(|answer| answer.question);
        if let (Ending::Approved | Ending::Declined, Some(question)) = (ending, question) {
            return self.ask(question);
        }
        let (state, reason) = match ending {
            Ending::Approved => (State::Approved, Cow::Borrowed("")),
            Ending::Declined => (State::Declined, Cow::Borrowed("")),
            Ending::Aborted => (State::Aborted, Cow::Borrowed("")),
            Ending::Failed(why) => (State::Failed, why.clone()),
            Ending::Contradictory(why) => (State::Unknown, why.clone()),
            // What was never sent did not happen, however the dialogue ended.
            Ending::Unclear(why) if self.state == State::Preparing => (State::Failed, why.clone()),
            Ending::Unclear(why) => {
                self.reason = why.clone().into_owned();
                return Next::Enquire;
            }
        };
        self.close(state, &reason);
        Next::Over
    }

    /// Ends it. Where nobody knows how, what the terminal said is no more than evidence: a person settles it.
    pub fn close(&mut self, state: State, reason: &str) {
        self.state = state;
        self.question = None;
        reason.clone_into(&mut self.reason);
        if state == State::Unknown {
            self.evidence.extend(self.answer.take().map(|answer| *answer));
        }
    }

    /// Ends it without a word of the terminal's on the dialogue; `last` is what it has told of its last
    /// transaction, where that has decided. Then the cashier may have to be asked, as at any other end.
    pub fn finish(&mut self, state: State, reason: &str, last: Option<&Answer>) {
        let ending = match state {
            State::Approved => Some(Ending::Approved),
            State::Declined => Some(Ending::Declined),
            _ => None,
        };
        match (last, ending) {
            (Some(last), Some(ending)) => {
                self.hear(last);
                self.end(&ending);
                return;
            }
            // What was said before is kept beside it.
            (Some(last), None) => self.evidence.push(last.clone()),
            (None, _) => {}
        }
        self.close(state, reason);
    }

    /// Whether it may end so: once, and what may have moved money has neither failed nor been stopped just
    /// because we say so.
    #[must_use]
    pub fn may_end(&self, state: State) -> bool {
        match state {
            _ if self.state.is_final() => false,
            State::Failed | State::Aborted => self.left_over() == Next::Over,
            _ => true,
        }
    }

    /// The terminal's word, where the receipt number in it is the newest that the terminal has given out:
    /// that of what has ended and fits, and is not just the number of the transaction it was about.
    #[must_use]
    pub fn newest(&self) -> Option<&Answer> {
        // What the cashier is asked about the terminal has booked.
        let decided =
            matches!(self.state, State::Approved | State::Declined | State::AwaitingCashier);
        let answer = self.answer.as_deref().filter(|_| decided)?;
        let is_old = self.intent.receipt.is_some() && answer.receipt == self.intent.receipt;
        let fits = !is_old && self.order().misfit(answer, None).is_none();
        fits.then_some(answer)
    }

    fn ask(&mut self, question: Question) -> Next {
        self.state = State::AwaitingCashier;
        self.question = Some(question);
        Next::Ask
    }

    /// What remains to be done for one that was under way when the daemon before this one ended.
    #[must_use]
    pub fn left_over(&self) -> Next {
        match self.state {
            _ if self.state.is_final() => Next::Nothing,
            // The cashier decides, or the reversal does.
            _ if self.question.is_some() || self.undone_by.is_some() => Next::Nothing,
            State::Preparing => Next::Over,
            _ if !self.intent.operation.moves_money() => Next::Over,
            _ => Next::Enquire,
        }
    }

    /// The amount that the terminal has to name for its answer to be this transaction's.
    fn expected_amount(&self) -> Option<u64> {
        match self.intent.operation {
            Operation::Reversal | Operation::CancelPreauth => {
                self.known.original.and_then(|original| original.amount)
            }
            operation if operation.needs_amount() => Some(self.intent.amount),
            _ => None,
        }
    }
}

/// What a terminal's last receipt says of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is this transaction's, and it was approved.
    Approved,
    /// It is this transaction's, and it was not.
    Declined,
    /// It is not, or that cannot be known; in words.
    Unknown(String),
}

/// How exactly two clocks of one terminal can be compared.
const SAME_CLOCK: Duration = Duration::from_secs(2);
/// How exactly the terminal's clock can be compared with ours.
const OTHER_CLOCK: Duration = Duration::from_secs(120);

/// The clocks at the time of an enquiry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clocks {
    /// The terminal's, where it tells.
    pub terminal: Clock,
    /// Ours, in local time.
    pub host: Clock,
    /// How long ago the order was sent.
    pub since: Duration,
}

/// Decides whether what the terminal tells is of `transaction`. Where it brings back our own number, that says
/// it. Of its last receipt it has to be seen: the terminal had taken the order;
/// the receipt is the very next after the last one known; amount and terminal are the same; it was made between
/// the order and now; and where it names an earlier transaction, as a reversal's does, so does the order.
#[must_use]
pub fn weigh(transaction: &Transaction, last: Option<&Answer>, clocks: Clocks) -> Finding {
    let Some(last) = last else {
        return unknown("the terminal does not tell what it did".to_owned());
    };
    if let Some(number) = last.transaction {
        return weigh_ours(transaction, number, last);
    }
    if !transaction.is_accepted {
        return unknown("the terminal never said that it took the order".to_owned());
    }
    if !transaction.evidence.is_empty() {
        // Before it was cut off. Its last receipt would repeat one of the two.
        return unknown("the terminal approved and then said something else".to_owned());
    }
    let (Some(known), Some(receipt)) = (transaction.known.receipt, last.receipt) else {
        return unknown("no earlier receipt number is known to compare with".to_owned());
    };
    if receipt == known {
        return unknown(format!("the terminal's last receipt is still {known}, from before"));
    }
    if !follows(known, receipt) {
        return unknown(format!("the last receipt is {receipt}, the one known before was {known}"));
    }
    let wanted = transaction.expected_amount();
    if wanted.is_none() || last.amount != wanted {
        return unknown(format!("the terminal's last receipt, {receipt}, is of another amount"));
    }
    if last.currency.is_some_and(|theirs| theirs != transaction.intent.currency) {
        return unknown(format!("the terminal's last receipt, {receipt}, is in another currency"));
    }
    if last.terminal.is_none() || last.terminal != transaction.known.terminal {
        return unknown("another terminal has answered than the one before".to_owned());
    }
    if let Some(misfit) = transaction.order().misfit(last, None) {
        return unknown(misfit.to_string());
    }
    let is_reversal = last.original_trace.is_some_and(|named| Some(named) != last.trace);
    if is_reversal && !transaction.intent.operation.needs_receipt() {
        return unknown(format!("the terminal's last receipt, {receipt}, is about an earlier one"));
    }
    if !is_between(last.clock, clocks) {
        return unknown(format!("the terminal's last receipt, {receipt}, is of another time"));
    }
    if last.approved { Finding::Approved } else { Finding::Declined }
}

/// Decides by our own number, which the terminal has brought back. It alone says which transaction is meant,
/// taken or not; what is said of it still has to be what was asked for.
fn weigh_ours(transaction: &Transaction, number: u64, answer: &Answer) -> Finding {
    if number != transaction.id {
        return unknown(format!("the terminal tells of our transaction {number}, not of this one"));
    }
    if answer.approved && answer.amount.is_none() && transaction.intent.operation.needs_amount() {
        return unknown("the terminal approved and does not say how much".to_owned());
    }
    match transaction.order().misfit(answer, transaction.known.terminal.as_deref()) {
        Some(misfit) => unknown(misfit.to_string()),
        None if answer.approved => Finding::Approved,
        None => Finding::Declined,
    }
}

fn unknown(why: String) -> Finding {
    Finding::Unknown(why)
}

/// Whether a receipt number is the next one: they have four digits and begin again.
fn follows(known: u32, receipt: u32) -> bool {
    match known {
        9999 => receipt <= 1,
        _ => receipt == known + 1,
    }
}

/// Whether a receipt was made since the order was sent.
fn is_between(receipt: Clock, clocks: Clocks) -> bool {
    let (now, exact) = match clocks.terminal.time {
        Some(_) => (clocks.terminal, SAME_CLOCK),
        None => (clocks.host, OTHER_CLOCK),
    };
    let Some(age) = seconds(receipt, now) else { return false };
    let exact = i64::try_from(exact.as_secs()).unwrap_or(0);
    let since = i64::try_from(clocks.since.as_secs()).unwrap_or(i64::MAX);
    (-exact..=since.saturating_add(exact)).contains(&age)
}

const DAY: i64 = 24 * 60 * 60;

/// The seconds from one clock to the other. Without dates they are taken to be less than half a day
/// apart, with dates less than half a year.
fn seconds(from: Clock, to: Clock) -> Option<i64> {
    let of_day = |clock: Clock| {
        let (hour, minute, second) = clock.time?;
        Some(i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second))
    };
    let seconds = of_day(to)? - of_day(from)?;
    let (Some(one), Some(other)) = (from.date, to.date) else {
        return Some((seconds + DAY / 2).rem_euclid(DAY) - DAY / 2);
    };
    let days = day_of_year(other) - day_of_year(one);
    let days = (days + 183).rem_euclid(366) - 183;
    Some(days * DAY + seconds)
}

/// The number of a day in a leap year; a year without one has a gap, which no receipt falls into.
fn day_of_year((month, day): (u8, u8)) -> i64 {
    const BEFORE: [i64; 12] = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335];
    let before = BEFORE.get(usize::from(month).saturating_sub(1)).copied().unwrap_or(0);
    before + i64::from(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn transaction() -> Transaction {
        let intent = Intent {
            device: "terminal".into(),
            lane: String::new(),
            key: "a".into(),
            user: 0,
            operation: Operation::Payment,
            amount: 1250,
            currency: Currency::EUR,
            receipt: None,
            simulated: false,
            began: 0,
        };
        let terminal = Some("52523535".to_owned());
        let mut transaction =
            Transaction::new(1, intent, Known { receipt: Some(41), terminal, original: None });
        transaction.note(&Entry::Sending);
        transaction.note(&Entry::Accepted);
        transaction
    }

    fn at(hour: u8, minute: u8, second: u8) -> Clock {
        Clock { date: Some((11, 25)), time: Some((hour, minute, second)) }
    }

    pub(super) fn last() -> Answer {
        Answer {
            approved: true,
            amount: Some(1250),
            terminal: Some("52523535".into()),
            receipt: Some(42),
            clock: at(10, 0, 20),
            ..Answer::default()
        }
    }

    /// Sent at 10:00:10, asked at 10:01:00, both by the terminal's clock.
    fn clocks() -> Clocks {
        Clocks { terminal: at(10, 1, 0), host: at(9, 0, 0), since: Duration::from_secs(50) }
    }

    fn is_unknown(transaction: &Transaction, last: &Answer) -> bool {
        matches!(weigh(transaction, Some(last), clocks()), Finding::Unknown(_))
    }

    #[test]
    fn the_next_receipt_of_the_same_amount_terminal_and_time_is_ours() {
        assert_eq!(weigh(&transaction(), Some(&last()), clocks()), Finding::Approved);
        let declined = Answer { approved: false, ..last() };
        assert_eq!(weigh(&transaction(), Some(&declined), clocks()), Finding::Declined);
    }

    #[test]
    fn of_two_sales_of_the_same_amount_in_a_row_the_first_is_not_the_second() {
        assert!(is_unknown(&transaction(), &Answer { receipt: Some(41), ..last() }));
    }

    #[test]
    fn a_sale_keyed_on_the_terminal_itself_before_is_not_ours() {
        // It has the next number and the same amount, and was made before our order was sent.
        assert!(is_unknown(&transaction(), &Answer { clock: at(10, 0, 5), ..last() }));
    }

    #[test]
    fn a_sale_keyed_on_the_terminal_itself_after_ours_hides_ours() {
        assert!(is_unknown(&transaction(), &Answer { receipt: Some(43), ..last() }));
    }

    #[test]
    fn without_the_terminal_having_taken_the_order_no_receipt_is_ours() {
        let mut cut = transaction();
        cut.is_accepted = false;
        assert!(is_unknown(&cut, &last()));
    }

    #[test]
    fn what_was_doubtful_before_the_cut_is_not_approved_by_the_last_receipt() {
        let mut cut = transaction();
        cut.note(&Entry::Late(Some(1), Box::new(last())));
        assert!(is_unknown(&cut, &last()));
    }

    #[test]
    fn what_does_not_fit_is_unknown() {
        let rows = [
            ("another amount", Answer { amount: Some(1251), ..last() }),
            ("no amount", Answer { amount: None, ..last() }),
            ("another terminal", Answer { terminal: Some("1".into()), ..last() }),
            ("no terminal", Answer { terminal: None, ..last() }),
            ("no receipt number", Answer { receipt: None, ..last() }),
            ("no time", Answer { clock: Clock::default(), ..last() }),
            ("later than now", Answer { clock: at(10, 1, 5), ..last() }),
            (
                "another day",
                Answer { clock: Clock { date: Some((11, 24)), ..at(10, 0, 20) }, ..last() },
            ),
            ("another currency", Answer { currency: Currency::from_code("CHF"), ..last() }),
            ("a reversal", Answer { original_trace: Some(7), trace: Some(8), ..last() }),
        ];
        for (name, answer) in rows {
            assert!(is_unknown(&transaction(), &answer), "{name}");
        }
        assert!(matches!(weigh(&transaction(), None, clocks()), Finding::Unknown(_)));
        let mut first = transaction();
        first.known.receipt = None;
        assert!(is_unknown(&first, &last()), "nothing known to compare with");
    }

    #[test]
    fn our_own_number_says_which_transaction_is_meant() {
        // No receipt, no clock, no terminal's number, and the acknowledgement of the order was lost.
        let mut cut = transaction();
        (cut.is_accepted, cut.known) = (false, Known::default());
        let ours = Answer {
            approved: true,
            amount: Some(1250),
            transaction: Some(1),
            ..Answer::default()
        };
        let weighed = |answer: Answer| weigh(&cut, Some(&answer), Clocks::default());
        assert_eq!(weighed(ours.clone()), Finding::Approved);
        let tip = Answer { amount: Some(1400), tip: Some(150), ..ours.clone() };
        assert_eq!(weighed(tip), Finding::Approved, "with a tip");
        let part = Answer { amount: Some(500), ..ours.clone() };
        assert_eq!(weighed(part), Finding::Approved, "a part of it");
        let declined = Answer { approved: false, amount: None, ..ours.clone() };
        assert_eq!(weighed(declined), Finding::Declined);
        let rows = [
            ("of another transaction", Answer { transaction: Some(2), ..ours.clone() }),
            ("of more than was asked", Answer { amount: Some(1251), ..ours.clone() }),
            ("of no amount", Answer { amount: None, ..ours.clone() }),
            (
                "in another currency",
                Answer { currency: Currency::from_code("CHF"), ..ours.clone() },
            ),
            ("without our number", Answer { transaction: None, ..ours.clone() }),
            ("declined, of another", Answer { approved: false, transaction: Some(2), ..ours }),
        ];
        for (name, answer) in rows {
            assert!(matches!(weighed(answer), Finding::Unknown(_)), "{name}");
        }
    }

    #[test]
    fn receipt_numbers_and_clocks_begin_again() {
        let mut transaction = transaction();
        transaction.known.receipt = Some(9999);
        assert_eq!(
            weigh(&transaction, Some(&Answer { receipt: Some(1), ..last() }), clocks()),
            Finding::Approved
        );
        let late = Clock { date: Some((12, 31)), time: Some((23, 59, 50)) };
        let early = Clock { date: Some((1, 1)), time: Some((0, 0, 10)) };
        assert_eq!(seconds(late, early), Some(20));
        assert_eq!(seconds(Clock { date: None, ..late }, Clock { date: None, ..early }), Some(20));
        assert_eq!(seconds(early, late), Some(-20));
    }

    #[test]
    fn what_was_never_sent_has_not_happened() {
        let fresh = Transaction::new(1, transaction().intent, Known::default());
        let mut cut = fresh.clone();
        assert_eq!(cut.note(&Entry::Ended(Ending::Unclear("cut".into()))), Next::Over);
        assert_eq!(cut.state, State::Failed);
        assert_eq!(fresh.left_over(), Next::Over);
        assert_eq!(transaction().left_over(), Next::Enquire);
    }

    #[test]
    fn what_comes_after_the_end_changes_nothing() {
        let mut transaction = transaction();
        assert_eq!(transaction.note(&Entry::Ended(Ending::Approved)), Next::Over);
        assert_eq!(transaction.note(&Entry::Ended(Ending::Declined)), Next::Nothing);
        assert_eq!(transaction.state, State::Approved);
    }
}
