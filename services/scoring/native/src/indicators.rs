//! The indicators that the life of a ticket states, by their places in the registry.

/// Declares `Indicators`, a field for each id.
macro_rules! indicators {
    ($($id:ident),* $(,)?) => {
        pub struct Indicators {
            $(pub $id: u8,)*
            /// By place, whether employees have the figure at all.
            individual: Vec<bool>,
        }

        impl Indicators {
            /// From the registry: ids in their order, and whether employees have the figure.
            ///
            /// # Errors
            /// The id that the registry lacks.
            pub fn new(ids: &[String], individual: Vec<bool>) -> Result<Self, String> {
                let place = |id: &str| {
                    let place = ids.iter().position(|known| known == id);
                    place.and_then(|place| u8::try_from(place).ok()).ok_or_else(|| id.to_owned())
                };
                Ok(Self { $($id: place(stringify!($id))?,)* individual })
            }
        }
    };
}

indicators! {
    first_response_time,
    resolution_time,
    resolution_time_last,
    resolution_rate,
    reopen_rate,
    transfer_rate,
    backlog,
    csat,
    survey_response_rate,
    complaint_rate,
    tickets_opened,
    tickets_resolved,
    tickets_reassigned,
    tickets_reopened,
    tickets_complained,
    first_response_time_business,
    resolution_time_business,
    sla_attainment,
    sla_at_risk,
    next_response_time,
    next_response_time_business,
    handling_time,
    first_contact_resolution,
    nps,
    ces,
    cost_per_ticket,
    qa_score,
    peer_review,
    manager_review,
}

impl Indicators {
    pub fn is_individual(&self, indicator: u8) -> bool {
        self.individual[usize::from(indicator)]
    }

    /// The indicators of the two promises, around the clock and in working time.
    pub fn promised(&self) -> [(u8, u8); 2] {
        [
            (self.first_response_time, self.first_response_time_business),
            (self.resolution_time, self.resolution_time_business),
        ]
    }
}
