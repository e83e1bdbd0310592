//! Terminals: transactions from their asking to their end, and what becomes of those that were cut off.
//!
//! Contract: nothing is sent to a terminal before the ledger has it, and nothing is told to a client
//! before the ledger has it either. Nothing is begun anew by itself. A transaction that was cut off is
//! asked about, for a while, and is then settled by what [`weigh`](crate::transaction::weigh) makes of the answer, once.

mod answer;
mod asked;
mod close;
mod code;
mod end;
mod fare;
mod recover;
mod reload;
mod tell;
#[cfg(test)]
mod tests;
mod wish;
mod witness;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tracing::{error, info, warn};
use zeroize::Zeroizing;

use super::call::{Error, Reply};
use super::device::Device;
use super::plan::Place;
use super::rights::{Caller, Right};
use super::status::{Access, State as DeviceState};
use super::{Daemon, Key, Notice, Wake};
use crate::clock;
use crate::config::Config;
use crate::event::Timestamp;
use crate::event::terminal::{Entry, Instruction, Operation, Said};
use crate::ledger::{self, Answered, Begun, Ledger, Refused};
use crate::secret::Secret;
use crate::session::{Order, Written};
use crate::store::Client;
use crate::transaction::{Intent, Next, Resolution, State, Transaction};
use crate::transport;

pub use code::Means;
pub use tell::{TransactionSignal, TransactionView};
pub use wish::Wish;

/// How long a transaction's object stays after its end.
const KEPT: Duration = Duration::from_secs(10 * 60);
/// How many transactions of a user that are over have an object: what is asked for in a circle must not
/// fill memory.
const MOST_KEPT: usize = 200;
/// How many a user may begin at a time.
const MOST_BEGINS: usize = 16;

/// What the daemon was started for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Real money: terminals that are simulated are refused.
    #[default]
    Live,
    /// Tests.
    Test,
    /// Training.
    Training,
}

/// What terminals need of the world.
#[derive(Debug, Default)]
pub struct Money {
    /// What the daemon was started for.
    pub mode: Mode,
    /// The ledger; without one terminals take nothing.
    pub ledger: Option<Ledger>,
    /// What was under way when the ledger was last written.
    pub left_over: Vec<Transaction>,
    /// Where the terminals' passwords are: the service manager's credentials.
    pub credentials: Option<PathBuf>,
}

/// Who may do what with a terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TerminalRights {
    terminal: Right,
    refund: Right,
    close: Right,
    resolve: Right,
}

impl TerminalRights {
    pub(super) fn of(access: &crate::config::Access) -> Self {
        Self {
            terminal: Right::resolve(&access.terminal),
            refund: Right::resolve(&access.refund),
            close: Right::resolve(&access.close),
            resolve: Right::resolve(&access.resolve),
        }
    }

    /// Whether the caller may have the terminal to itself.
    pub(super) fn may_claim(&self, caller: &Caller) -> bool {
        self.terminal.permits(caller)
    }

    /// That the caller may have this done.
    fn permit(&self, caller: &Caller, operation: Operation) -> Result<(), Error> {
        let (right, name) = match operation {
            Operation::Refund | Operation::Reversal => (&self.refund, "refund"),
            Operation::Close => (&self.close, "close"),
            _ => (&self.terminal, "terminal"),
        };
        if right.permits(caller) { Ok(()) } else { Err(Error::AccessDenied(name)) }
    }
}

/// What a transaction is asked.
#[derive(Debug)]
pub enum TransactionAct {
    /// How it went.
    Result(Reply<Transaction>),
    /// Stop it.
    Abort(Reply<()>),
    /// The cashier answers what the terminal asks.
    Answer(String, Reply<()>),
    /// A person has found out how it went.
    Resolve(State, String, Reply<()>),
}

/// What the ledger's thread tells.
#[derive(Debug)]
pub enum LedgerNews {
    /// A transaction was written down, or not.
    Begun(Caller, Means, Result<Begun, Refused>, Reply<u64>),
    /// The answer that names it has been sent; what it does may be told from now on.
    Announced(u64),
    /// An entry is on disk.
    Noted(u64, Entry),
    /// An entry could not be written.
    NotNoted(u64),
    /// A transaction of another till's was written down, and whoever watches that terminal is to hear of it.
    Witnessed(Box<Transaction>, Option<Client>),
    /// It was looked up by its key: those of several terminals, the newest last.
    Found(Caller, Vec<Transaction>, Reply<u64>),
    /// These were settled by hand, so.
    Resolved(Vec<(u64, State)>, Resolution, Reply<()>),
    /// The cashier's answer is on disk.
    Answered(u64, Answered, Reply<()>),
    /// It was to end: as it is on disk now, or nothing where that could not be written.
    Closed(u64, Option<Box<Transaction>>),
    /// The ledger has it under way.
    UnderWay(Box<Transaction>),
    /// Transactions that had a code when the daemon before this one ended stand so.
    CodesFound(Vec<(u64, Option<State>)>),
    /// These were heard of other tills shortly before the daemon began.
    HeardBefore(Vec<Transaction>),
    /// The outcome of the transaction of this number keeps another one from beginning; as the ledger has it.
    Unsettled(u64, Option<Box<Transaction>>, Reply<u64>),
}

/// The transactions that have an object.
#[derive(Default)]
pub(super) struct Transactions {
    money: Money,
    /// Who may do what with a terminal that configuration does not name any more.
    pub(super) rights: TerminalRights,
    live: BTreeMap<u64, Live>,
    /// The configuration that is to be in force when terminals that it changes are done.
    deferred: Option<Config>,
    /// How many transactions of each user are on their way to the ledger.
    begins: BTreeMap<u32, usize>,
    /// The daemon is to end.
    is_ending: bool,
    /// Who waits to hear from a terminal how it fares.
    inquiries: BTreeMap<Key, Vec<fare::Inquiry>>,
    /// Devices that have gone from wires, and whose sessions may still have something to say.
    departed: Vec<witness::Departed>,
}

/// A transaction that has an object.
struct Live {
    transaction: Transaction,
    state: watch::Sender<State>,
    /// Who hears of it.
    followers: Vec<Client>,
    /// When its object goes.
    until: Option<Timestamp>,
    /// When its order was sent, where that was since this daemon began.
    sent: Option<Timestamp>,
    /// Until when the terminal is asked what became of it.
    recovery: Option<Timestamp>,
    /// The code that it waits for, or is paid with.
    awaited: Option<code::Awaited>,
    /// It is on the disk that it has its code.
    has_code: bool,
    /// The end that is on its way to the disk.
    closing: Option<end::Closing>,
    /// The code that the cashier has been given by telephone.
    authorization: Option<String>,
    /// Its answer to the beginner has not been sent yet.
    is_unannounced: bool,
    is_aborted: bool,
}

impl Live {
    fn new(transaction: Transaction) -> Self {
        Self {
            state: watch::Sender::new(transaction.state),
            transaction,
            followers: Vec::new(),
            until: None,
            sent: None,
            recovery: None,
            awaited: None,
            has_code: false,
            closing: None,
            authorization: None,
            is_unannounced: false,
            is_aborted: false,
        }
    }

    fn follow(&mut self, client: &Client) {
        if !self.followers.contains(client) {
            self.followers.push(client.clone());
        }
    }

    /// Whether it waits for a code that has not come.
    fn awaits_code(&self) -> bool {
        self.waits_until().is_some()
    }

    /// Whether this client's next code in this lane is the one it waits for.
    fn awaits_code_of(&self, client: &Client, lane: &str) -> bool {
        let is_his = self.awaited.as_ref().is_some_and(|awaited| awaited.client == *client);
        is_his && self.transaction.intent.lane == lane && self.awaits_code()
    }

    /// Until when it waits for a code that has not come.
    fn waits_until(&self) -> Option<Timestamp> {
        let is_waiting = self.transaction.state == State::Preparing && self.closing.is_none();
        let awaited = self.awaited.as_ref().filter(|_| is_waiting)?;
        awaited.sequence.is_none().then_some(awaited.until)
    }

    fn set_state(&mut self, state: State) {
        self.transaction.state = state;
        self.state.send_replace(state);
    }
}

impl Transactions {
    pub(super) fn have(&mut self, money: Money) {
        self.money = money;
    }

    pub(super) fn mode(&self) -> Mode {
        self.money.mode
    }

    /// When something here is due.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let again = |live: &Live| live.closing.as_ref().and_then(|closing| closing.again);
        self.live
            .values()
            .flat_map(|live| [live.until, live.recovery, live.waits_until(), again(live)])
            .flatten()
            .min()
    }

    /// A client has left the bus: it follows nothing any more.
    pub(super) fn gone(&mut self, client: &Client) {
        for live in self.live.values_mut() {
            live.followers.retain(|follower| follower != client);
        }
    }

    /// The transaction under way on a device: of a payment and the reversal that undoes it the reversal.
    fn open_on(&self, device: &str) -> Option<u64> {
        let mut all = self.live.iter().rev();
        let open = all.find(|(_, live)| {
            live.transaction.intent.device == device && !live.transaction.state.is_final()
        });
        open.map(|(id, _)| *id)
    }

    /// What is under way on a device and takes money from a customer, who may have shown a code for it.
    pub(super) fn payment_on(&self, device: &str) -> Option<u64> {
        let open = self.open_on(device)?;
        let operation = self.live.get(&open)?.transaction.intent.operation;
        matches!(operation, Operation::Payment | Operation::Preauth).then_some(open)
    }

    /// Whether a transaction that is under way has waited for the code of this event, and has it.
    pub(super) fn took(&self, sequence: u64) -> bool {
        self.live.values().any(|live| {
            let is_his = live.awaited.as_ref().is_some_and(|it| it.sequence == Some(sequence));
            is_his && !live.transaction.state.is_final()
        })
    }

    /// The user whose transaction is under way on a device.
    pub(super) fn user_on(&self, device: &str) -> Option<u32> {
        self.open_on(device)
            .map(|id| self.live.get(&id).map_or(0, |live| live.transaction.intent.user))
    }
}

impl Daemon {
    /// A client wants a transaction. The answer comes when it is on disk.
    pub(super) fn begin(&mut self, caller: Caller, key: Key, wish: Wish, reply: Reply<u64>) {
        let intent = match self.intent(&caller, key, &wish) {
            Ok(intent) => intent,
            Err(error) => {
                let _ = reply.send(Err(error));
                return;
            }
        };
        let begins = self.transactions.begins.entry(caller.uid).or_default();
        if *begins >= MOST_BEGINS {
            let message = "too many transactions of yours are being begun at the same time";
            let _ = reply.send(Err(Error::LimitExceeded(message)));
            return;
        }
        *begins += 1;
        let (over_unknown, means) = (wish.over_unknown, wish.means);
        let configured = self.configured();
        let wakes = self.wakes.clone();
        let Some(ledger) = &self.transactions.money.ledger else { return };
        ledger.run(move |book| {
            let user = caller.uid;
            let (client, now) = (caller.client.to_string(), intent.began);
            let begun = book.begin_beside(intent, over_unknown, Some(&configured));
            if let (Ok(Begun::New(transaction)), true) = (&begun, over_unknown)
                && let Err(error) = book.audit(transaction.id, user, &client, "over-unknown", now)
            {
                warn!(%error, "an override could not be written down");
            }
            send(&wakes, LedgerNews::Begun(caller, means, begun, reply));
            end::drop_old(book, now);
        });
    }

    /// What is to be written down, or why nothing is.
    fn intent(&self, caller: &Caller, key: Key, wish: &Wish) -> Result<Intent, Error> {
        let device = self.devices.get(&key).ok_or(Error::DeviceGone)?;
        if !device.identity.is_terminal() {
            return Err(Error::Unsupported("the device is no terminal"));
        }
        device.terminal_rights.permit(caller, wish.operation)?;
        if wish.over_unknown && !device.terminal_rights.resolve.permits(caller) {
            return Err(Error::AccessDenied("resolve"));
        }
        if device.ownership.owner().is_some_and(|owner| *owner != caller.client) {
            return Err(Error::NotOwner);
        }
        if !device.can(wish.operation.word()) {
            return Err(Error::Unsupported("this terminal's protocol has no such operation"));
        }
        let origin = &device.identity.origin;
        if device.is_simulated() && self.transactions.mode() == Mode::Live {
            return Err(Error::NotReady(SIMULATED.to_owned()));
        }
        if self.transactions.money.ledger.is_none() {
            return Err(Error::NotReady("the daemon has no ledger; see --ledger".to_owned()));
        }
        let (amount, currency) = wish::amount(wish)?;
        self.check_means(caller, key, wish)?;
        if self.transactions.is_ending {
            return Err(Error::NotReady("the daemon is ending".to_owned()));
        }
        if device.state() != DeviceState::Ready {
            return Err(Error::NotReady(format!("its state is {}", device.state().word())));
        }
        Ok(Intent {
            device: origin.name.clone(),
            lane: origin.lane.clone(),
            key: wish.key.clone(),
            user: caller.uid,
            operation: wish.operation,
            amount,
            currency,
            receipt: wish.receipt,
            simulated: device.is_simulated(),
            began: clock::realtime_micros(),
        })
    }

    /// The ledger's thread has something to tell.
    pub(super) fn ledger_news(&mut self, now: Timestamp, news: LedgerNews) {
        match news {
            LedgerNews::Begun(caller, means, begun, reply) => {
                self.begun(now, &caller, means, begun, reply);
            }
            LedgerNews::Announced(id) => self.announced(id),
            LedgerNews::Noted(id, entry) => self.noted(now, id, &entry),
            LedgerNews::NotNoted(id) => {
                error!(
                    transaction = id,
                    "the ledger cannot be written; the terminal is hung up on"
                );
            }
            LedgerNews::Witnessed(transaction, watcher) => {
                self.witnessed(now, *transaction, watcher)
            }
            LedgerNews::Found(caller, mut found, reply) => {
                found.retain(|Transaction { intent, .. }| {
                    !intent.is_overheard() || caller.uid == 0 || self.may_watch(&caller, intent)
                });
                let Some(newest) = found.pop() else {
                    let message = "you have no transaction of this key".to_owned();
                    let _ = reply.send(Err(Error::InvalidArgument(message)));
                    return;
                };
                // Whoever means another terminal's knows its object, which is to be there too.
                for transaction in found {
                    self.show(now, transaction, &caller.client, None);
                }
                self.show(now, newest, &caller.client, Some(reply));
            }
            LedgerNews::Resolved(settled, resolution, reply) => {
                for (id, state) in settled {
                    let Some(live) = self.transactions.live.get_mut(&id) else { continue };
                    live.transaction.resolution = Some(resolution.clone());
                    live.set_state(state);
                    live.until = Some(now + KEPT);
                    self.codes_landed(id, state);
                    self.outbox.send(Notice::TransactionState(id));
                }
                let _ = reply.send(Ok(()));
            }
            LedgerNews::Answered(id, answered, reply) => self.answered(now, id, answered, reply),
            LedgerNews::Closed(id, transaction) => self.closed(now, id, transaction),
            LedgerNews::UnderWay(transaction) => self.take_up_one(now, *transaction),
            LedgerNews::CodesFound(states) => self.codes_found(states),
            LedgerNews::HeardBefore(heard) => self.heard_before(now, heard),
            LedgerNews::Unsettled(id, transaction, reply) => self.unsettled(id, transaction, reply),
        }
    }

    fn begun(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        means: Means,
        begun: Result<Begun, Refused>,
        reply: Reply<u64>,
    ) {
        if let Some(begins) = self.transactions.begins.get_mut(&caller.uid) {
            *begins = begins.saturating_sub(1);
        }
        let error = match begun {
            Ok(Begun::New(transaction)) => {
                let id = transaction.id;
                let intent = &transaction.intent;
                info!(
                    transaction = id,
                    device = %intent.device,
                    operation = intent.operation.word(),
                    amount = intent.amount,
                    currency = intent.currency.code,
                    "begun"
                );
                let mut live = Live::new(*transaction);
                live.follow(&caller.client);
                live.is_unannounced = true;
                live.awaited = code::Awaited::of(means, &caller.client, now);
                return self.add(id, live, Some(reply));
            }
            Ok(Begun::Before(transaction)) => {
                return self.show(now, *transaction, &caller.client, Some(reply));
            }
            Err(Refused::InProgress(id)) => {
                self.reconcile(id);
                Error::TransactionInProgress
            }
            Err(Refused::Unknown(id)) => return self.refuse_over_unknown(id, reply),
            Err(Refused::KeyTaken(_)) => Error::InvalidArgument(
                "`key` is that of an earlier transaction, which asks for something else".into(),
            ),
            Err(Refused::Ledger(error)) => {
                error!(%error, "a transaction could not be written down");
                Error::NotReady("the ledger cannot be written".into())
            }
        };
        let _ = reply.send(Err(error));
    }

    /// Gives a transaction an object; who asked for it is answered once that is there.
    fn add(&mut self, id: u64, live: Live, reply: Option<Reply<u64>>) {
        let view = TransactionView { id, state: live.state.subscribe() };
        self.outbox.send(Notice::TransactionAdded(view, reply));
        self.transactions.live.insert(id, live);
    }

    /// Gives an earlier transaction an object again, and lets a client follow it.
    fn show(
        &mut self,
        now: Timestamp,
        transaction: Transaction,
        client: &Client,
        reply: Option<Reply<u64>>,
    ) {
        let id = transaction.id;
        if let Some(live) = self.transactions.live.get_mut(&id) {
            live.follow(client);
            if let Some(reply) = reply {
                // Who has gone does not need it.
                let _ = reply.send(Ok(id));
            }
            return;
        }
        let mut live = Live::new(transaction);
        live.until = live.transaction.state.is_final().then(|| now + KEPT);
        live.follow(client);
        let whose = live.transaction.intent.whose();
        self.add(id, live, reply);
        self.keep_the_newest(whose);
    }

    /// Lets the objects of a user's transactions go that have been there longest, where they are too many.
    fn keep_the_newest(&mut self, whose: Option<u32>) {
        let of_user = |live: &Live| live.until.filter(|_| live.transaction.intent.whose() == whose);
        let live = self.transactions.live.iter();
        let mut over: Vec<(Timestamp, u64)> =
            live.filter_map(|(id, live)| Some((of_user(live)?, *id))).collect();
        over.sort_unstable();
        let surplus = over.len().saturating_sub(MOST_KEPT);
        for (_, id) in over.drain(..surplus) {
            self.transactions.live.remove(&id);
            self.outbox.send(Notice::TransactionRemoved(id));
        }
    }

    /// The beginner knows the transaction's object: now the terminal is told.
    fn announced(&mut self, id: u64) {
        let Some(live) = self.transactions.live.get_mut(&id) else { return };
        if !std::mem::take(&mut live.is_unannounced) {
            return;
        }
        if !self.waits_for_code(id) {
            self.tell_terminal(id);
        }
    }

    /// The terminal is told, now that all is there.
    fn tell_terminal(&mut self, id: u64) {
        let Some(live) = self.transactions.live.get(&id) else { return };
        if self.transactions.is_ending {
            self.close(id, State::Failed, "the daemon ended before it was done");
            return;
        }
        if live.is_aborted {
            self.close(id, State::Aborted, "stopped before the terminal was asked");
            return;
        }
        let mut order = live.transaction.order();
        order.authorization.clone_from(&live.authorization);
        if let Some(awaited) = &live.awaited {
            let code = awaited.sequence.map(|sequence| self.scanned(sequence, &awaited.client));
            let Some(Ok(code)) = code else {
                self.close(id, State::Failed, "the code has expired");
                return;
            };
            let sequence = awaited.sequence.unwrap_or_default();
            if !live.has_code && !self.takes_code(id, sequence, &code) {
                return;
            }
            order.code = Some(code);
        }
        let Some(live) = self.transactions.live.get(&id) else { return };
        let device = live.transaction.intent.device.clone();
        order.password = self.password(&device);
        let key = self.device_named(&device);
        let instruction = Instruction::Begin(order);
        let told = key.and_then(|key| self.devices.get(&key)).is_some_and(|device| {
            device.state() == DeviceState::Ready && device.order(Order::Instruct(instruction))
        });
        if !told {
            self.close(id, State::Failed, "the terminal went away before it was asked");
        }
    }

    /// The terminal's password: a credential of the service manager's, for this terminal or for all.
    fn password(&self, device: &str) -> Option<Secret<String>> {
        let directory = self.transactions.money.credentials.as_ref()?;
        let names = [format!("terminal-password.{device}"), "terminal-password".to_owned()];
        let read = names.iter().find_map(|name| {
            let text = Zeroizing::new(std::fs::read_to_string(directory.join(name)).ok()?);
            Some(Secret::new(text.trim().to_owned()))
        });
        read.filter(|text| {
            let text = text.expose();
            let plain =
                !text.is_empty() && text.len() <= 6 && text.bytes().all(|b| b.is_ascii_digit());
            if !plain {
                warn!(device, "the credential terminal-password has to be of one to six digits");
            }
            plain
        })
    }

    pub(super) fn device_named(&self, name: &str) -> Option<Key> {
        let mut devices = self.devices.iter();
        devices.find(|(_, device)| device.identity.origin.name == name).map(|(key, _)| *key)
    }

    /// Whether a device is a terminal that deals in play money while real money is meant.
    pub(super) fn is_play_money(&self, key: Key, place: &Place) -> bool {
        let Some(device) = self.devices.get(&key).filter(|_| self.takes_real_money(key)) else {
            return false;
        };
        let is_pty = |path: &Path| {
            std::fs::metadata(path).is_ok_and(|metadata| transport::is_pty(metadata.rdev()))
        };
        device.identity.origin.simulated || matches!(place, Place::At(spot) if is_pty(&spot.path))
    }

    /// Whether a device is a terminal, and real money is meant.
    pub(super) fn takes_real_money(&self, key: Key) -> bool {
        let is_terminal = self.devices.get(&key).is_some_and(|one| one.identity.is_terminal());
        is_terminal && self.transactions.mode() == Mode::Live
    }

    /// Leaves a simulated terminal alone, and says why.
    pub(super) fn refuse_play_money(&mut self, key: Key) {
        let Some(device) = self.devices.get_mut(&key) else { return };
        device.stop();
        if device.state() == DeviceState::Unreachable {
            return;
        }
        device.set_state(DeviceState::Unreachable, Access::Ok, PathBuf::new());
        self.fault(key, "simulated-money", SIMULATED.to_owned(), BTreeMap::new());
        self.announce(key);
    }

    /// Whether a transaction is under way on the device, or its line is wired through to another, which keeps
    /// the caller from having it: it cannot be challenged then, nor in a transaction be had by another user.
    pub(super) fn is_at_work_against(&self, device: &Device, caller: &Caller) -> bool {
        let user = self.transactions.user_on(&device.identity.origin.name);
        let is_owned = device.ownership.owner().is_some_and(|owner| *owner != caller.client);
        // Whoever watches a line that is wired through cannot be asked to let go of it.
        let is_wired = device.config.as_ref().is_some_and(|config| config.wired.is_some());
        is_wired && is_owned || user.is_some_and(|user| user != caller.uid || is_owned)
    }

    /// A terminal's session has something to say.
    pub(super) fn said(&mut self, now: Timestamp, key: Key, about: Option<u64>, said: Said) {
        match (said, about) {
            (Said::Condition(conditions), _) => {
                let Some(device) = self.devices.get_mut(&key) else { return };
                let words: Vec<_> = conditions.iter().map(|condition| condition.word()).collect();
                device.set_condition(words);
                self.announce(key);
            }
            (Said::Progress(progress), Some(id)) => self.progressed(id, &progress),
            (Said::Last(answer, clock), Some(id)) => self.weigh_last(now, id, answer, clock),
            (Said::Progress(_) | Said::Last(..), None) => {}
            (Said::Status(says), _) => self.told_how_it_fares(key, says),
        }
    }

    /// A session wants an entry on disk, and waits. Nothing is sent for a transaction that is over.
    pub(super) fn persist(&mut self, key: Key, id: u64, entry: Entry, written: Written) {
        let Some(ledger) = &self.transactions.money.ledger else { return };
        let device = self.devices.get(&key).map(|device| device.identity.origin.name.clone());
        let wakes = self.wakes.clone();
        let live = self.transactions.live.get(&id);
        let closes = live.filter(|live| live.transaction.intent.operation == Operation::Close);
        let closes = closes.map(|live| live.transaction.intent.clone());
        ledger.run(move |book| {
            let mut entry = entry;
            if let (Entry::Answer(answer), Some(of)) = (&mut entry, closes)
                && let Ok(totals) = book.totals(&of.device, of.simulated)
            {
                let compared = close::compared(answer, totals);
                answer.details.extend(compared);
            }
            // A terminal may name any number; only one of its own is a transaction of ours.
            if let (Entry::Late(Some(_), _), Some(device)) = (&entry, &device)
                && !book.transaction(id).is_ok_and(|named| named.intent.device == *device)
            {
                warn!(
                    device,
                    number = id,
                    "the terminal speaks of a number that it was never told"
                );
                let _ = written.send(());
                return;
            }
            match book.note(id, &entry, clock::realtime_micros()) {
                Ok(_) => {
                    send(&wakes, LedgerNews::Noted(id, entry));
                    let _ = written.send(());
                }
                Err(error @ ledger::Error::Over(_)) => warn!(%error, "its order is not sent"),
                Err(error) => {
                    error!(%error, transaction = id, "not written down");
                    send(&wakes, LedgerNews::NotNoted(id));
                }
            }
        });
    }

    /// An instruction was not carried out: the line was not open, or the terminal was busy.
    pub(super) fn not_instructed(&mut self, key: Key, instruction: &Instruction) {
        match instruction {
            Instruction::Begin(order) => {
                self.close(order.transaction, State::Failed, "the terminal could not be asked");
            }
            // It is asked again when the line is there, or given up when its time is over.
            Instruction::Enquire(_) | Instruction::Abort => {}
            Instruction::Status(_) => self.told_how_it_fares(key, None),
        }
    }

    fn noted(&mut self, now: Timestamp, id: u64, entry: &Entry) {
        let Some(live) = self.transactions.live.get_mut(&id) else { return };
        let before = live.transaction.state;
        if before.is_final() {
            warn!(transaction = id, "the terminal still speaks of it, though it is over");
        }
        let next = live.transaction.note(entry);
        if *entry == Entry::Sending {
            live.sent = Some(now);
        }
        let state = live.transaction.state;
        if state != before && !matches!(next, Next::Over | Next::Ask) {
            live.state.send_replace(state);
            self.outbox.send(Notice::TransactionState(id));
        }
        match next {
            Next::Nothing => {}
            Next::Over => self.completed(now, id),
            Next::Ask => self.ask_cashier(id),
            Next::Enquire => self.recover(now, id),
        }
    }
}

/// Why a simulated terminal takes nothing.
pub(super) const SIMULATED: &str = "it is simulated, and simulated money is only for a daemon that was \
                                    started with --mode test or --mode training";

/// Tells the daemon from the ledger's thread.
fn send(wakes: &mpsc::Sender<Wake>, news: LedgerNews) {
    // A daemon that is going down hears nothing; the ledger has it all.
    let _ = wakes.blocking_send(Wake::Ledger(Box::new(news)));
}
