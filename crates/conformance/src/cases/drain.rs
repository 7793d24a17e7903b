//! A server that is told to stop.

use std::time::Duration;

use hub::Limits;
use transport::{Audience, Config, Transport};

use crate::{Lab, assert_refused};

/// Waiting clients are told, newcomers are refused, and the server ends.
pub async fn tells_everyone_and_ends<T: Transport>() {
    let config = Config {
        drain_notice: Duration::from_secs(1),
        ..Config::default()
    };
    let lab = Lab::<T>::start_with(&Limits::default(), config);
    let publisher = lab.publisher();
    let mut waiting = lab.connect_many(3).await;
    for peer in &mut waiting {
        let told = publisher.tell(Audience::Session(peer.id().into()), "last words", "1");
        assert_eq!(peer.take(1).await, [told]);
    }
    let waiting: Vec<_> = waiting
        .into_iter()
        .map(|mut peer| tokio::task::spawn_local(async move { peer.end().await }))
        .collect();
    lab.drain();
    crate::lab::until("the drain", || lab.door().is_draining()).await;
    let refused = lab.try_connect(&lab.target()).await.map(|_| ());
    assert_refused(
        &refused.expect_err("a draining server takes no one"),
        503,
        1012,
    );
    for peer in waiting {
        let (received, error) = peer.await.expect("a waiting client ends");
        assert_eq!(received, []);
        assert_refused(&error, 503, 1012);
    }
    lab.ended().await;
}

/// A server without clients ends too, and quickly: nothing waits for a time-out of minutes.
pub async fn of_an_idle_server_is_quick<T: Transport>() {
    let config = Config {
        drain_notice: Duration::ZERO,
        ..Config::default()
    };
    let lab = Lab::<T>::start_with(&Limits::default(), config);
    lab.still_serves().await;
    lab.drain();
    lab.ended().await;
}
