//! Numbers for scopes and their departments, and the scopes that names count in.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::names::{NO_NAME, NameTable, Names, Symbols};

pub type ScopeNumber = u32;
pub type DepartmentNumber = u32;

/// The department that a scope lies in (or ""), the place of its kind in `SCOPE_KINDS`, and its id.
pub type ScopeName<'a> = (&'a str, u8, &'a str);

const ORGANISATION: u8 = 0;
const DEPARTMENT: u8 = 1;
const TEAM: u8 = 2;
const EMPLOYEE: u8 = 3;
const CHANNEL: u8 = 4;
const CATEGORY: u8 = 5;

struct Scope {
    department: DepartmentNumber,
    kind: u8,
    id: Box<str>,
}

impl Scope {
    fn hash(&self) -> u64 {
        hash_of(self.department, self.kind, &self.id)
    }

    fn is(&self, department: DepartmentNumber, kind: u8, id: &str) -> bool {
        self.kind == kind && self.department == department && *self.id == *id
    }
}

fn hash_of(department: DepartmentNumber, kind: u8, id: &str) -> u64 {
    xxh3_64_with_seed(id.as_bytes(), u64::from(department) << 8 | u64::from(kind))
}

/// Scopes, numbered in the order in which they are first asked for; they stay.
#[derive(Default)]
pub struct Scopes {
    rows: Vec<Scope>,
    numbers: HashTable<ScopeNumber>,
    departments: Vec<Box<str>>,
    department_numbers: HashTable<DepartmentNumber>,
}

impl Scopes {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn name(&self, scope: ScopeNumber) -> ScopeName<'_> {
        let row = &self.rows[scope as usize];
        (self.department(row.department), row.kind, &row.id)
    }

    pub fn department_of(&self, scope: ScopeNumber) -> DepartmentNumber {
        self.rows[scope as usize].department
    }

    /// The department's name; "" is one too.
    pub fn department(&self, department: DepartmentNumber) -> &str {
        &self.departments[department as usize]
    }

    pub fn number(&mut self, (department, kind, id): ScopeName<'_>) -> ScopeNumber {
        let department = self.department_number(department);
        let rows = &mut self.rows;
        let entry = self.numbers.entry(
            hash_of(department, kind, id),
            |number| rows[*number as usize].is(department, kind, id),
            |number| rows[*number as usize].hash(),
        );
        match entry {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                let number = next_number(rows.len());
                vacant.insert(number);
                rows.push(Scope {
                    department,
                    kind,
                    id: id.into(),
                });
                number
            }
        }
    }

    fn department_number(&mut self, name: &str) -> DepartmentNumber {
        let names = &mut self.departments;
        let entry = self.department_numbers.entry(
            xxh3_64_with_seed(name.as_bytes(), 0),
            |number| *names[*number as usize] == *name,
            |number| xxh3_64_with_seed(names[*number as usize].as_bytes(), 0),
        );
        match entry {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                let number = next_number(names.len());
                vacant.insert(number);
                names.push(name.into());
                number
            }
        }
    }
}

fn next_number(count: usize) -> u32 {
    u32::try_from(count).expect("fewer than 2^32 scopes")
}

/// The scopes that each entry of a name table counts in.
#[derive(Default)]
pub struct Memberships {
    ends: Vec<u32>,
    scopes: Vec<ScopeNumber>,
}

impl Memberships {
    /// Look up the scopes of names that are new in the table.
    pub fn learn(&mut self, scopes: &mut Scopes, names: &NameTable, symbols: &Symbols) {
        for row in &names.rows()[self.ends.len()..] {
            each_scope(row, symbols, |name| self.scopes.push(scopes.number(name)));
            self.ends.push(next_number(self.scopes.len()));
        }
    }

    /// The names' scopes; `learn` has seen them.
    pub fn of(&self, names: u32) -> &[ScopeNumber] {
        let place = names as usize;
        let first = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.scopes[first as usize..self.ends[place] as usize]
    }
}

fn each_scope<'a>(names: &Names, symbols: &'a Symbols, mut take: impl FnMut(ScopeName<'a>)) {
    take(("", ORGANISATION, ""));
    for (kind, id) in [(CHANNEL, names.channel), (CATEGORY, names.category)] {
        if id != NO_NAME {
            take(("", kind, symbols.text(id)));
        }
    }
    let holder = names.holder;
    if holder.department == NO_NAME {
        return;
    }
    let department = symbols.text(holder.department);
    take((department, DEPARTMENT, department));
    for (kind, id) in [(TEAM, holder.team), (EMPLOYEE, holder.employee)] {
        if id != NO_NAME {
            take((department, kind, symbols.text(id)));
        }
    }
}
