//! One run: machines that start, work, crash and start again, until everything is healthy and the ledger is judged.

use fastrand::Rng;
use runcycles::__simulation::Host;
use runcycles::Durability;

use crate::call::{Call, GivesUp, MOST_CALLS};
use crate::counts::Counts;
use crate::life::Life;
use crate::world::{End, World};

/// What is simulated: everything follows from the seed but what is set here.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) crash: Crash,
    /// When the owner of the first call, the only one then, drops its future.
    pub(crate) gives_up: Option<GivesUp>,
}

/// When the first process ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Crash {
    /// As the seed says, which also says what the processes after it do.
    Drawn,
    /// After its work.
    Never,
    /// At this step into the world. The process after it finds a healthy world.
    AtStep(usize),
}

/// What a run came to.
pub(crate) struct Outcome {
    pub(crate) broken: Option<String>,
    pub(crate) trace: String,
    pub(crate) counts: Counts,
    /// The steps of the first process.
    pub(crate) steps: usize,
    /// Whether the first call was given up.
    pub(crate) gave_up: bool,
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        Self { seed, crash: Crash::Drawn, gives_up: None }
    }
}

/// Makes one run.
pub(crate) fn run(plan: &Plan) -> Outcome {
    let mut rng = Rng::with_seed(plan.seed);
    fastrand::seed(rng.u64(..));
    let mut world = World::new(&mut rng);
    let clock = world.clock.clone();
    let _hosted = Host::on_system_disk(move || clock.time_of_day()).enter();

    let trouble = [0.0, 0.1, 0.3, 0.5][rng.usize(..4)];
    world.network.set_trouble(trouble);
    let machines = if matches!(plan.crash, Crash::Drawn) { rng.usize(1..4) } else { 1 };
    let mut steps = 0;
    for machine in 0..machines {
        let crowd = if machine > 0 && rng.u32(..3) == 0 { 2 } else { 1 };
        let last = machine + 1 == machines;
        let mut processes = Vec::new();
        for _ in 0..crowd {
            let count = rng.usize(..5).max(usize::from(machine == 0)).min(MOST_CALLS - world.calls);
            let mut calls: Vec<_> = (0..count).map(|n| Call::draw(world.calls + n, &mut rng)).collect();
            world.calls += count;
            if let Some(gives_up) = plan.gives_up {
                calls.truncate(1);
                calls = calls.into_iter().map(|call| call.given_up(gives_up)).collect();
            }
            let (drawn, crashes) = (rng.usize(..20 + 15 * count), rng.u32(..4) != 0);
            let end_at = match plan.crash {
                Crash::AtStep(step) => step,
                Crash::Drawn if crashes && !last => drawn,
                Crash::Drawn | Crash::Never => usize::MAX,
            };
            processes.push((Life::until(end_at), calls));
        }
        let life = processes[0].0.clone();
        let end = match rng.u32(..2) {
            _ if last => End::Flushes,
            0 => End::Exits,
            _ => End::ShutsDown,
        };
        let crashed = world.run_machine(processes, end);
        if machine == 0 {
            steps = life.steps();
        }
        let power_fails = rng.bool() && world.durability == Durability::PowerLoss;
        if power_fails {
            world.platter.lose_power();
        }
        if end != End::Flushes || crashed {
            let may_be_gone = world.network.judge().lost_in_a_crash();
            world.lost.extend(may_be_gone);
        }
        if world.network.judge().broken.is_some() {
            break;
        }
    }
    world.settle();
    world.outcome(steps)
}
