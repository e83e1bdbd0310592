//! The tables.

use crate::measure::{self, Found};
use crate::subject::Subject;

/// The medians of a subject's runs.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) subject: Subject,
    pub(crate) ports: usize,
    pub(crate) found: Found,
}

/// Each figure's median; of those measured once, that one.
pub(crate) fn medians(runs: &[Found]) -> Found {
    let of = |figure: fn(&Found) -> f64| median(runs.iter().map(figure).collect());
    let once = |figure: fn(&Found) -> Option<f64>| {
        let measured: Vec<f64> = runs.iter().filter_map(figure).collect();
        (!measured.is_empty()).then(|| median(measured))
    };
    Found {
        owned: of(|found| found.owned),
        ready: of(|found| found.ready),
        latency_p50: of(|found| found.latency_p50),
        latency_p99: of(|found| found.latency_p99),
        cpu_per_event: of(|found| found.cpu_per_event),
        sleeps_per_event: of(|found| found.sleeps_per_event),
        calls_per_event: once(|found| found.calls_per_event),
        waits_per_event: once(|found| found.waits_per_event),
        events_per_second: of(|found| found.events_per_second),
        events_per_core_second: of(|found| found.events_per_core_second),
        resident_kilobytes: of(|found| found.resident_kilobytes),
        proportional_kilobytes: once(|found| found.proportional_kilobytes),
        idle_sleeps: once(|found| found.idle_sleeps),
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

pub(crate) fn heading() {
    println!(
        "{:>5} {:13} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>10} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "ports",
        "subject",
        "p50",
        "p99",
        "CPU/ev",
        "wakes/ev",
        "waits/ev",
        "calls/ev",
        "events/s",
        "ev/core-s",
        "VmRSS",
        "Pss",
        "owned",
        "ready",
        "idle"
    );
    println!(
        "{:>5} {:13} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>10} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "", "", "us", "us", "us", "", "", "", "", "", "kB", "kB", "ms", "ms", "wakes"
    );
}

impl Row {
    pub(crate) fn print(&self) {
        let found = &self.found;
        let optional = |figure: Option<f64>, digits: usize| {
            figure.map_or("-".to_owned(), |figure| format!("{figure:.digits$}"))
        };
        println!(
            "{:>5} {:13} {:>8.1} {:>8.1} {:>8.1} {:>8.2} {:>8} {:>8} {:>9.0} {:>10.0} {:>9.0} {:>9} {:>9.1} {:>9.1} {:>7}",
            self.ports,
            self.subject.name(),
            found.latency_p50,
            found.latency_p99,
            found.cpu_per_event,
            found.sleeps_per_event,
            optional(found.waits_per_event, 2),
            optional(found.calls_per_event, 2),
            found.events_per_second,
            found.events_per_core_second,
            found.resident_kilobytes,
            optional(found.proportional_kilobytes, 0),
            found.owned / 1e3,
            found.ready / 1e3,
            optional(found.idle_sleeps, 0),
        );
    }
}

/// One line of the goals: what, at how many ports, ours, and the goal as bound and text.
struct Goal {
    what: &'static str,
    ours: Option<f64>,
    unit: &'static str,
    bound: f64,
    at_least: bool,
}

/// The goals, with our figure beside each. Ratios are to the C program in the same run.
pub(crate) fn goals(rows: &[Row]) {
    let find = |subject: Subject, ports: usize| {
        let row = rows.iter().find(|row| row.subject == subject && row.ports == ports);
        row.map(|row| row.found)
    };
    let ours = |ports: usize, figure: fn(&Found) -> f64| {
        find(Subject::Tillbusd, ports).map(|found| figure(&found))
    };
    let ratio = |figure: fn(&Found) -> f64| {
        let base = find(Subject::Baseline, 16)?;
        Some(figure(&find(Subject::Tillbusd, 16)?) / figure(&base))
    };
    let megabytes: fn(&Found) -> f64 = |found| found.resident_kilobytes / 1024.0;
    let per_port = ours(512, megabytes)
        .zip(ours(16, megabytes))
        .map(|(many, few)| (many - few) * 1024.0 / (512.0 - 16.0));
    let most = |what, ours, unit, bound| Goal { what, ours, unit, bound, at_least: false };
    let idle = rows
        .iter()
        .filter(|row| row.subject == Subject::Tillbusd)
        .filter_map(|row| row.found.idle_sleeps)
        .reduce(f64::max);
    let goals = [
        most("last byte -> signal, p50, 16 ports", ratio(|found| found.latency_p50), "x", 1.10),
        most("last byte -> signal, p99, 16 ports", ratio(|found| found.latency_p99), "x", 1.5),
        most("CPU per event, paced, 16 ports", ratio(|found| found.cpu_per_event), "x", 1.3),
        most("wake-ups per event, 16 ports", ours(16, |found| found.sleeps_per_event), "", 1.05),
        most(
            "of these, waits (strace), 16 ports",
            find(Subject::Tillbusd, 16).and_then(|found| found.waits_per_event),
            "",
            1.05,
        ),
        most(
            "system calls per event, 16 ports",
            find(Subject::Tillbusd, 16).and_then(|found| found.calls_per_event),
            "",
            3.3,
        ),
        Goal {
            what: "saturation on one core, 16 ports",
            ours: ours(16, |found| found.events_per_core_second),
            unit: " events/s",
            bound: 60_000.0,
            at_least: true,
        },
        most("resident memory, 16 ports", ours(16, megabytes), " MB", 6.0),
        most("resident memory, 512 ports", ours(512, megabytes), " MB", 8.0),
        most("resident memory per port", per_port, " kB", 4.0),
        most("name owned, 16 ports", ours(16, |found| found.owned / 1e3), " ms", 15.0),
        most("all ready, 512 ports", ours(512, |found| found.ready / 1e3), " ms", 50.0),
        most("idle wake-ups, any number of ports", idle, "", 0.0),
        most("normalizing a GTIN", Some(measure::normalizing()), " ns", 300.0),
    ];
    println!("\n{:38} {:>20} {:>20}", "tillbusd", "measured", "goal");
    goals.iter().for_each(Goal::print);
}

impl Goal {
    fn print(&self) {
        let sign = if self.at_least { ">=" } else { "<=" };
        let goal = format!("{sign} {}{}", self.bound, self.unit);
        let Some(ours) = self.ours else {
            println!("{:38} {:>20} {goal:>20}", self.what, "not measured");
            return;
        };
        let met = if self.at_least { ours >= self.bound } else { ours <= self.bound };
        let digits = if ours >= 1000.0 { 0 } else { 2 };
        let measured = format!("{ours:.digits$}{}", self.unit);
        let verdict = if met { "met" } else { "NOT MET" };
        println!("{:38} {measured:>20} {goal:>20}  {verdict}", self.what);
    }
}
