//! One cell of the matrix: a story, the request that is struck, how, and what others do at that moment.

use std::fmt;
use std::time::{Duration, Instant};

use conversation_webhook_operator::api::RECONCILE_ANNOTATION;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::blow::Blow;
use super::interference::Interference;
use super::judge::{Verdict, judge, objects};
use super::point::Point;
use super::process::Process;
use super::proxy::Proxy;
use super::scenario::{BOT_NAME, Scenario, Start};
use super::upstreams::Upstreams;
use crate::support::World;

/// Until a request that was recorded comes again.
const REACHED_WITHIN: Duration = Duration::from_secs(15);
/// Longer than anything takes to settle; what takes longer is broken.
const SETTLED_WITHIN: Duration = Duration::from_secs(40);
/// What settles by itself has done so by then; from then on checks are asked for, as the interval would.
const ALONE: Duration = Duration::from_secs(4);
/// Between two checks.
const CHECK: Duration = Duration::from_secs(2);
/// Several times the window: two objects that wait for each other by then wait for ever.
const STUCK: Duration = Duration::from_secs(10);
/// Between two looks of ours.
const LOOK: Duration = Duration::from_millis(50);
/// No request for so long: the operator has nothing to do.
const QUIET: Duration = Duration::from_millis(120);

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    pub(super) scenario: Scenario,
    pub(super) point: Point,
    pub(super) blow: Blow,
    pub(super) interference: Interference,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, point, blow, interference } = self;
        write!(f, "{scenario} / {point} / {blow} / {interference}")
    }
}

/// What came of a cell.
#[derive(Clone, Debug)]
pub(super) enum Ran {
    /// The request was struck.
    Judged(Verdict, String),
    /// The request never came.
    Unreached,
}

/// The world of a story, and the process that is about to do its work.
pub(super) struct Stage {
    pub(super) world: World,
    scenario: Scenario,
    upstreams: Upstreams,
    subject: Option<Process>,
}

impl Stage {
    /// Everything up to the step that starts the work.
    pub(super) async fn set(scenario: Scenario, upstreams: &Upstreams) -> Self {
        let world = scenario.world().await;
        scenario.prepare(&world).await;
        let subject = match scenario.start() {
            Start::AfterStep => None,
            Start::Idle => Some(Process::start(&world, upstreams).await),
            Start::Served => {
                let subject = Process::spawn(&world, upstreams).await;
                world.wait_ready(BOT_NAME).await;
                Some(subject)
            }
            Start::Unresolved => {
                let subject = Process::spawn(&world, upstreams).await;
                world.wait_reason(BOT_NAME, "CreateUnresolved").await;
                Some(subject)
            }
        };
        if let Some(subject) = &subject {
            subject.line.quiet(QUIET).await;
        }
        Self { world, scenario, upstreams: upstreams.clone(), subject }
    }

    /// Starts the work, and says which requests it takes until all is settled.
    pub(super) async fn record(mut self) -> (Vec<Point>, Self) {
        if self.scenario.start() == Start::AfterStep {
            self.scenario.step(&self.world).await;
            self.subject = Some(Process::spawn(&self.world, &self.upstreams).await);
        } else {
            if let Some(subject) = &self.subject {
                subject.line.record();
            }
            self.scenario.step(&self.world).await;
        }
        let subject = self.subject.as_ref().expect("it was started");
        let started = Instant::now();
        loop {
            let verdict = judge(&self.world, (self.scenario, Interference::None), None, false).await;
            if verdict.is_clean() {
                break;
            }
            assert!(started.elapsed() < SETTLED_WITHIN, "{} is not settled: {verdict:?}", self.scenario);
            tokio::time::sleep(LOOK).await;
        }
        subject.line.quiet(QUIET).await;
        let points = subject.line.points();
        (points, self)
    }

    /// The lines of the process.
    pub(super) fn line(&self) -> &Proxy {
        &self.subject.as_ref().expect("it was started").line
    }
}

impl Cell {
    /// Runs the cell, and waits until all is well or long enough has passed.
    pub(super) async fn run(&self, upstreams: &Upstreams) -> Ran {
        let Self { scenario, point, blow, interference } = self;
        let Stage { world, subject, .. } = Stage::set(*scenario, upstreams).await;
        let mut second = None;
        if *interference == Interference::SecondLeader {
            let mut process = Process::start(&world, upstreams).await;
            process.line.quiet(QUIET).await;
            process.pause().await;
            second = Some(process);
        }
        let (subject, turn) = if let Some(subject) = subject {
            let turn = subject.line.arm(point, *blow);
            scenario.step(&world).await;
            (subject, turn)
        } else {
            scenario.step(&world).await;
            Process::spawn_armed(&world, upstreams, (point, *blow)).await
        };
        let reached = tokio::time::timeout(REACHED_WITHIN, turn.reached).await;
        if !reached.is_ok_and(|reached| reached.is_ok()) {
            return Ran::Unreached;
        }
        interference.happen(*scenario, &world).await;
        if let Some(second) = &mut second {
            second.resume();
        }
        let mut log = String::new();
        let (mut processes, mut lines) = (Vec::new(), Vec::new());
        if blow.kills() {
            let (line, last_words) = subject.kill();
            lines.push(line);
            log = format!("{last_words}--- killed\n");
        } else {
            processes.push(subject);
        }
        let _ = turn.go_on.send(());
        if blow.kills() && second.is_none() {
            processes.push(Process::spawn(&world, upstreams).await);
        }
        processes.extend(second);
        let verdict = self.settle(&world, &processes, &lines).await;
        for process in &processes {
            log.push_str(&process.log());
            log.push_str("--- end\n");
        }
        Ran::Judged(verdict, log)
    }

    /// Waits until all is well, has everything looked at once more, and judges.
    async fn settle(&self, world: &World, processes: &[Process], lines: &[Proxy]) -> Verdict {
        let started = Instant::now();
        let mut asked: Option<(String, Instant)> = None;
        let mut by_itself = true;
        loop {
            let idle = lines.iter().all(Proxy::is_idle) && processes.iter().all(|one| one.line.is_idle());
            let since = asked.as_ref().map(|(request, _)| request.as_str());
            let stuck = started.elapsed() > STUCK;
            let mut verdict = judge(world, (self.scenario, self.interference), since, stuck).await;
            verdict.by_check = !by_itself;
            if verdict.is_clean() && idle {
                if asked.is_some() || objects(world).await.is_empty() {
                    return verdict;
                }
                asked = Some((ask(world).await, Instant::now()));
            } else if started.elapsed() > SETTLED_WITHIN {
                return verdict;
            } else if asked.as_ref().map_or(started.elapsed() > ALONE, |(_, at)| at.elapsed() > CHECK) {
                by_itself = false;
                asked = Some((ask(world).await, Instant::now()));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Asks for every object to be looked at. What is going meanwhile is no matter.
async fn ask(world: &World) -> String {
    let request = uuid::Uuid::new_v4().to_string();
    let patch = Patch::Merge(json!({ "metadata": { "annotations": { RECONCILE_ANNOTATION: request } } }));
    for object in objects(world).await {
        let _ = world.objects().patch(&object.name_any(), &PatchParams::default(), &patch).await;
    }
    request
}
