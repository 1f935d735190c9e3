//! An operator with lines of its own.

use std::time::Duration;

use super::blow::Blow;
use super::point::Point;
use super::proxy::{Proxy, Turn};
use super::upstreams::Upstreams;
use crate::support::{Operator, World, eventually};

/// Factor on the protocol's windows.
const SCALED: &str = "--time-scale=0.02";
/// Checks come when they are asked for.
const NEVER: &str = "--resync-interval=1h";

/// A running operator; both end with the value.
pub(super) struct Process {
    operator: Operator,
    pub(super) line: Proxy,
}

impl Process {
    /// Starts it.
    pub(super) async fn spawn(world: &World, upstreams: &Upstreams) -> Self {
        Self::on(world, Proxy::start(upstreams, &world.simulator.url()).await)
    }

    /// Starts it with a blow that waits for one of its requests.
    pub(super) async fn spawn_armed(
        world: &World,
        upstreams: &Upstreams,
        (point, blow): (&Point, Blow),
    ) -> (Self, Turn) {
        let line = Proxy::start(upstreams, &world.simulator.url()).await;
        let turn = line.arm(point, blow);
        (Self::on(world, line), turn)
    }

    fn on(world: &World, line: Proxy) -> Self {
        let arguments = world.arguments(&[SCALED, NEVER, &line.twilio_argument()]);
        Self { operator: Operator::spawn(&line.kubeconfig(), &arguments), line }
    }

    /// Starts it, and waits until it watches.
    pub(super) async fn start(world: &World, upstreams: &Upstreams) -> Self {
        let process = Self::spawn(world, upstreams).await;
        eventually("the operator watches", Duration::from_secs(30), async || {
            process.line.passed().iter().any(|passed| passed.line.contains("watch=true")).then_some(())
        })
        .await;
        process
    }

    /// Stops it in its tracks.
    pub(super) async fn pause(&mut self) {
        self.operator.pause().await;
    }

    /// Lets it go on.
    pub(super) fn resume(&mut self) {
        self.operator.resume();
    }

    /// SIGKILL. What was on its way goes on.
    pub(super) fn kill(self) -> (Proxy, String) {
        let Self { operator, line } = self;
        let log = operator.log();
        operator.kill();
        (line, log)
    }

    /// Everything that it logged so far.
    pub(super) fn log(&self) -> String {
        self.operator.log()
    }
}
