//! The columns of a case with faults, or with sessions that come back.

use super::cells::Cells;
use super::run::visit_distribution;
use crate::recovery::Recovery;

/// All of them; in a file only if one of its cases had either.
pub(super) fn visit_recovery(cells: &mut impl Cells, recovery: &mut Option<Recovery>) {
    cells.optional("faults", recovery, |cells, recovery: &mut Recovery| {
        cells.at("faults", &mut recovery.faults);
        cells.at("reconnects", &mut recovery.reconnects);
        cells.at("reconnect_attempts", &mut recovery.reconnect_attempts);
        cells.at("resumed", &mut recovery.resumed);
        cells.at("fresh", &mut recovery.fresh);
        cells.at("unconfirmed", &mut recovery.unconfirmed);
        cells.at("unrecovered", &mut recovery.unrecovered);
        cells.at("reconnects_per_s_max", &mut recovery.reconnects_per_s_max);
        visit_distribution(cells, "reconnect", &mut recovery.reconnect);
        visit_distribution(cells, "recovery", &mut recovery.recovery);
    });
}
