//! The kinds of facts, as `services.scoring.core.ledger` numbers them: facts of one instant are
//! ordered by them, and they are kept in the changelog.

pub const OPENED: u8 = 0;
pub const ASSIGNED: u8 = 1;
pub const CUSTOMER_REPLIED: u8 = 2;
pub const RESPONSE: u8 = 3;
pub const RESPONSE_MEASURED: u8 = 4;
pub const HANDLED: u8 = 5;
pub const WAITING: u8 = 6;
pub const RESUMED: u8 = 7;
pub const RESOLVED: u8 = 8;
pub const SURVEY_SENT: u8 = 9;
pub const SURVEY_ANSWERED: u8 = 10;
pub const COMPLAINED: u8 = 11;
pub const REOPENED: u8 = 12;
pub const CLOSED: u8 = 13;
pub const CORRECTED: u8 = 14;
