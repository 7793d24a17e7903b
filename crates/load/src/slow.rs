//! A slow consumer: one session that stops reading for a while, so that what is sent to it piles up at the server.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use measure::now;
use scenario::{Scenario, What};
use tokio::time::sleep;
use transport::Protocol;

use crate::hooks::{Samples, Strike};
use crate::user::User;

/// Each time at which it stops reading and for how long, after the measured part began.
pub(crate) fn pauses(scenario: &Scenario) -> Vec<(Duration, Duration)> {
    let all = scenario.fault_schedule().into_iter();
    all.filter(|(_, fault)| fault.what == What::StopReading)
        .map(|(at, fault)| (at, fault.length))
        .collect()
}

/// Lets `user` stop reading at these times after `began`, nanoseconds of [`now`], and says so among the faults.
pub(crate) async fn stop_reading<T: Protocol>(
    user: Rc<RefCell<User<T>>>,
    pauses: Vec<(Duration, Duration)>,
    began: u64,
    strikes: Samples<Strike>,
) {
    let whom = Some(user.borrow().number());
    for (at, length) in pauses {
        let from = began + at.as_nanos() as u64;
        sleep_until(from).await;
        user.borrow_mut().pause(true);
        strikes.borrow_mut().push(Strike {
            at: now(),
            over: None,
            whom,
        });
        sleep_until(from + length.as_nanos() as u64).await;
        if let Some(strike) = strikes.borrow_mut().last_mut() {
            strike.over = Some(now());
        }
        user.borrow_mut().pause(false);
    }
}

async fn sleep_until(at: u64) {
    sleep(Duration::from_nanos(at.saturating_sub(now()))).await;
}
