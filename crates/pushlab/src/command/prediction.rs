//! What the models say of a case: which of them fits, and with which numbers.
//!
//! Predictions are of a link's delays alone. They leave out what server and client take themselves (on loopback some 0.1 ms), bandwidth, and
//! what jitter and loss add; where one of the last two is there, percentiles are left out.

use measure::Prediction;
use scenario::{Arrivals, Between, Connection, Kind, Link, Pace, PollPacing, Population, Scenario};
use transport::Info;

/// What the models say of `scenario` on a transport; none without a link, or where no model fits.
pub(crate) fn of(scenario: &Scenario, info: &Info) -> Option<Prediction> {
    let link = scenario.link.as_ref()?;
    info.url?;
    let case = Case::of(scenario, info, link)?;
    let mut said = case.predict()?;
    let paths = [&link.up, &link.down];
    if paths.iter().any(|path| path.harms_packets()) {
        return None;
    }
    if paths.iter().any(|path| !path.jitter.is_zero()) {
        (said.p50_ns, said.p99_ns) = (None, None);
    }
    Some(said)
}

/// How a transport tells its clients of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// The server speaks when it likes.
    Pushed,
    /// The client asks on a clock.
    Polled,
    /// The client's question is held.
    Held,
}

/// The numbers of the models. Times are seconds.
struct Case<'a> {
    scenario: &'a Scenario,
    family: Family,
    is_echo: bool,
    /// Poisson arrivals, or a metronome; none in a closed loop.
    arrivals: Option<Arrivals>,
    /// Events a second that one session hears.
    rate: f64,
    /// Sessions that receive each event.
    receivers: f64,
    /// Sessions for each one that receives: those that only publish ask as well.
    askers: f64,
    /// From the schedule until the server has a message.
    up: f64,
    /// From the server to a receiver.
    down: f64,
    /// Both ways, of a receiver.
    round_trip: f64,
    /// Round trips before a request of a receiver goes out.
    set_up: f64,
}

impl<'a> Case<'a> {
    fn of(scenario: &'a Scenario, info: &Info, link: &Link) -> Option<Self> {
        let executes = |option| info.options.contains(&option);
        // Its polls are held until there is something to say, too; how long, its server decides.
        let is_held = executes("hold") || info.name == "socket-io-polling";
        let family = if is_held {
            Family::Held
        } else if executes("poll-interval") {
            Family::Polled
        } else {
            Family::Pushed
        };
        let (arrivals, rate) = match scenario.load?.pace {
            Pace::Open { arrivals, rate } => (Some(arrivals), rate),
            Pace::Closed { depth: 1 } => (None, 0.0),
            Pace::Closed { .. } => return None,
        };
        let sessions = f64::from(scenario.population.connections());
        let (heard, receivers, askers) = match (scenario.kind, scenario.population) {
            (Kind::Broadcast, Population::Broadcast { subscribers }) => {
                let subscribers = f64::from(subscribers);
                (rate, subscribers, sessions / subscribers)
            }
            (
                Kind::Rooms,
                Population::Rooms {
                    rooms,
                    members,
                    others,
                    ..
                },
            ) => {
                let receivers = f64::from(members - u32::from(others));
                (
                    rate / f64::from(rooms),
                    receivers,
                    f64::from(members) / receivers,
                )
            }
            (Kind::Chat, _) => (rate, sessions, 1.0),
            (Kind::Private | Kind::Echo, _) => (rate / sessions, 1.0, 1.0),
            _ => return None,
        };
        // Whoever sends and hears itself hears with another delay than the others.
        let hears_itself = match scenario.population {
            Population::Rooms { others, .. } => !others,
            _ => false,
        };
        if link.between != Between::All && hears_itself {
            return None;
        }
        let fresh = executes("connection") && scenario.client.connection == Connection::Fresh;
        let set_up = if fresh { f64::from(link.set_up) } else { 0.0 };
        let (up, down) = (link.up.delay.as_secs_f64(), link.down.delay.as_secs_f64());
        let (senders, receivers_are_far) = (
            link.between != Between::Receivers,
            link.between != Between::Senders,
        );
        let far = |is_far: bool, seconds: f64| if is_far { seconds } else { 0.0 };
        Some(Self {
            scenario,
            family,
            is_echo: scenario.kind == Kind::Echo,
            arrivals,
            rate: heard,
            receivers,
            askers,
            up: far(senders, model::request::one_way(set_up, up + down, up)),
            down: far(receivers_are_far, down),
            round_trip: far(receivers_are_far, up + down),
            set_up,
        })
    }

    fn predict(&self) -> Option<Prediction> {
        match self.family {
            // A reply is in the answer to its request.
            Family::Polled if self.is_echo => Some(same("request", self.up + self.down)),
            Family::Polled => Some(self.polled()),
            Family::Pushed => Some(same("push", self.up + model::push::age(self.down, 0.0))),
            // Who asks only after the answer has a question waiting by then.
            Family::Held if self.arrivals.is_none() => {
                self.is_echo.then(|| same("long-poll", self.up + self.down))
            }
            Family::Held => self.held(),
        }
    }

    fn polled(&self) -> Prediction {
        let client = &self.scenario.client;
        let asked = client.poll_interval.as_secs_f64();
        let poll = (1.0 + self.set_up) * self.round_trip;
        let interval = match client.poll_pacing {
            PollPacing::FixedDelay => {
                model::poll::interval_of_delay(asked, self.round_trip, self.set_up, 0.0)
            }
            // A poll that takes longer than the interval is followed by the next at once.
            PollPacing::FixedRate => asked.max(poll),
        };
        let quantile = |q| {
            let age = model::poll::age_quantile(q, interval, self.down, 0.0);
            Some((self.up + age) * 1e9)
        };
        let useless = match self.arrivals {
            Some(Arrivals::Poisson) => {
                Some(model::poll::useless_share_poisson(interval, self.rate))
            }
            Some(Arrivals::Constant) => {
                let period = 1.0 / self.rate;
                Some(model::poll::useless_share_periodic(interval, period))
            }
            _ => None,
        };
        let polls = model::poll::requests_per_event(interval, self.rate);
        let asked_in_vain = (self.askers - 1.0) * polls;
        let requests = polls + asked_in_vain + 1.0 / self.receivers;
        let is_open = self.arrivals.is_some();
        Prediction {
            model: "poll".to_owned(),
            mean_ns: Some((self.up + model::poll::mean_age(interval, self.down, 0.0)) * 1e9),
            p50_ns: quantile(0.5),
            p99_ns: quantile(0.99),
            requests_per_message: is_open.then_some(requests),
            // Of all requests, those that publish among them.
            useless_request_share: useless.map(|share| (share * polls + asked_in_vain) / requests),
        }
    }

    fn held(&self) -> Option<Prediction> {
        let turn_round = self.round_trip;
        let poisson = match self.arrivals {
            Some(Arrivals::Poisson) => true,
            Some(Arrivals::Constant) => false,
            _ => return None,
        };
        let name = if self.scenario.server.batching {
            "long-poll"
        } else {
            "long-poll-unbatched"
        };
        if !poisson {
            // Each event finds a question waiting if they are farther apart than a turn-round.
            let fits = self.rate * turn_round < 1.0;
            return fits.then(|| Prediction {
                requests_per_message: Some(1.0 + 1.0 / self.receivers),
                ..same(name, self.up + self.down)
            });
        }
        if !self.scenario.server.batching {
            let age = model::long_poll::mean_age_unbatched(self.rate, turn_round, self.down, 0.0)?;
            return Some(Prediction {
                model: name.to_owned(),
                mean_ns: Some((self.up + age) * 1e9),
                requests_per_message: Some(1.0 + 1.0 / self.receivers),
                ..Prediction::default()
            });
        }
        let quantile = |q| {
            let age = model::long_poll::age_quantile(q, self.rate, turn_round, self.down, 0.0);
            Some((self.up + age) * 1e9)
        };
        let mean = model::long_poll::mean_age(self.rate, turn_round, self.down, 0.0);
        let polls = model::long_poll::requests_per_event(self.rate, turn_round);
        Some(Prediction {
            model: name.to_owned(),
            mean_ns: Some((self.up + mean) * 1e9),
            p50_ns: quantile(0.5),
            p99_ns: quantile(0.99),
            requests_per_message: (!self.is_echo).then_some(polls + 1.0 / self.receivers),
            useless_request_share: None,
        })
    }
}

/// A latency that is always the same.
fn same(model: &str, seconds: f64) -> Prediction {
    let ns = Some(seconds * 1e9);
    Prediction {
        model: model.to_owned(),
        mean_ns: ns,
        p50_ns: ns,
        p99_ns: ns,
        ..Prediction::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    fn predicted(transport: &str, kind: &str, more: &str) -> Option<Prediction> {
        let population = match kind {
            "broadcast" => "subscribers = 1",
            "rooms" => "rooms = 10\nmembers = 2\naudience = 'room-others'",
            _ => "clients = 10",
        };
        let text = format!(
            "name = 'x'\nquestion = '?'\nkind = '{kind}'\nduration = '10s'\ntransports = ['{transport}']\n\
             [population]\n{population}\n{more}"
        );
        let scenario = scenario::parse(&text, "x.toml", &registry::arms())
            .unwrap_or_else(|error| panic!("{error}: {text}"));
        let info = registry::find(transport).expect("a transport").info;
        of(&scenario, &info)
    }

    const RECEIVERS: &str = "[link]\nrtt = '100ms'\nbetween = 'receivers'\n";

    fn load(rate: &str, arrivals: &str) -> String {
        format!(
            "[load]\nmode = 'open'\npayload = '64 B'\nrate = '{rate}'\narrivals = '{arrivals}'\n"
        )
    }

    #[track_caller]
    fn is(found: Option<f64>, ms: f64) {
        let found = found.expect("a prediction") / 1e6;
        assert!((found - ms).abs() < 0.05, "{found} ms; {ms} ms is right");
    }

    #[test]
    fn without_a_link_nothing_is_said() {
        assert_eq!(
            predicted("websocket", "echo", &load("10/s", "poisson")),
            None
        );
        let lossy = "[link]\nbackend = 'packets'\nrtt = '100ms'\nloss = '1 %'\n";
        let lossy = format!("{}{lossy}", load("10/s", "poisson"));
        assert_eq!(predicted("websocket", "echo", &lossy), None);
    }

    #[test]
    fn three_transits_of_a_long_poll() {
        // Ten rooms, so ten times the rate of one.
        for (rate, mean) in [("10/s", 54.98), ("100/s", 86.55), ("2000/s", 100.0)] {
            let more = format!("{}{RECEIVERS}", load(rate, "poisson"));
            let long_poll = predicted("long-poll", "rooms", &more).expect("a model fits");
            is(long_poll.mean_ns, mean);
            for pushed in ["sse", "websocket"] {
                is(
                    predicted(pushed, "rooms", &more).and_then(|said| said.p99_ns),
                    50.0,
                );
            }
        }
        let slow = format!("{}{RECEIVERS}", load("4/s", "constant"));
        is(
            predicted("long-poll", "broadcast", &slow).and_then(|said| said.p99_ns),
            50.0,
        );
    }

    #[test]
    fn a_poller_waits_half_its_interval() {
        let more = format!(
            "{}[client]\npoll-interval = '1s'\n{RECEIVERS}",
            load("10/s", "poisson")
        );
        let said = predicted("request-response", "rooms", &more).expect("a model fits");
        is(said.mean_ns, 550.0);
        is(said.p99_ns, 1040.0);
        let delay = more.replace("[client]\n", "[client]\npoll-pacing = 'fixed-delay'\n");
        is(
            predicted("request-response", "rooms", &delay).and_then(|said| said.mean_ns),
            600.0,
        );
        let fresh = delay.replace("[client]\n", "[client]\nconnection = 'fresh'\n");
        let fresh = fresh.replace("[link]\n", "[link]\nset-up = 2\n");
        is(
            predicted("request-response", "rooms", &fresh).and_then(|said| said.mean_ns),
            700.0,
        );
    }

    #[test]
    fn a_fresh_connection_is_set_up_first() {
        let more = format!(
            "{}[client]\nconnection = 'fresh'\n[link]\nrtt = '100ms'\n",
            load("10/s", "poisson")
        );
        is(
            predicted("request-response", "echo", &more).and_then(|said| said.mean_ns),
            200.0,
        );
        let kept = more.replace("fresh", "keep-alive");
        is(
            predicted("request-response", "echo", &kept).and_then(|said| said.mean_ns),
            100.0,
        );
    }

    #[test]
    fn one_event_an_answer_has_a_limit() {
        let batching = "[server]\nbatching = false\n[link]\nrtt = '300ms'\nbetween = 'receivers'\n";
        let of = |rate| {
            let more = format!("{}{batching}", load(rate, "constant"));
            predicted("long-poll", "broadcast", &more)
        };
        assert_eq!(of("4/s"), None, "it grows without end");
        is(of("2/s").and_then(|said| said.mean_ns), 150.0);
    }
}
