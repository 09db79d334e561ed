//! Numbers for leaves and their departments, and the leaves that names count in
//! (`shared.contracts.leaves`).

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::names::{NO_NAME, NameTable, Names, Symbols};

pub type LeafNumber = u32;
pub type DepartmentNumber = u32;

/// Department, team and employee; or "", channel and category.
pub type LeafName<'a> = (&'a str, &'a str, &'a str);

/// So many a measurement counts in at most: the first knows how it came in, the second who holds it.
const MOST_LEAVES: usize = 2;

/// What a leaf has around its three texts, at most.
const NAME_BYTES: usize = 1 + 3 * 5;

struct Leaf {
    department: DepartmentNumber,
    parts: [Box<str>; 2],
}

impl Leaf {
    fn hash(&self) -> u64 {
        hash_of(self.department, &self.parts[0], &self.parts[1])
    }

    fn is(&self, department: DepartmentNumber, first: &str, second: &str) -> bool {
        self.department == department && *self.parts[0] == *first && *self.parts[1] == *second
    }
}

fn hash_of(department: DepartmentNumber, first: &str, second: &str) -> u64 {
    let seed = xxh3_64_with_seed(first.as_bytes(), u64::from(department));
    xxh3_64_with_seed(second.as_bytes(), seed)
}

/// Leaves, numbered in the order in which they are first asked for; they stay.
#[derive(Default)]
pub struct Leaves {
    rows: Vec<Leaf>,
    numbers: HashTable<LeafNumber>,
    departments: Vec<Box<str>>,
    department_numbers: HashTable<DepartmentNumber>,
}

impl Leaves {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn name(&self, leaf: LeafNumber) -> LeafName<'_> {
        let row = &self.rows[leaf as usize];
        let [first, second] = &row.parts;
        (self.department(row.department), first, second)
    }

    /// What the name takes in a record.
    pub fn name_bytes(&self, leaf: LeafNumber) -> usize {
        let (department, first, second) = self.name(leaf);
        NAME_BYTES + department.len() + first.len() + second.len()
    }

    pub fn department_of(&self, leaf: LeafNumber) -> DepartmentNumber {
        self.rows[leaf as usize].department
    }

    /// The department's name; "" is one too.
    pub fn department(&self, department: DepartmentNumber) -> &str {
        &self.departments[department as usize]
    }

    pub fn number(&mut self, (department, first, second): LeafName<'_>) -> LeafNumber {
        let department = self.department_number(department);
        let rows = &mut self.rows;
        let entry = self.numbers.entry(
            hash_of(department, first, second),
            |number| rows[*number as usize].is(department, first, second),
            |number| rows[*number as usize].hash(),
        );
        match entry {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                let number = next_number(rows.len());
                vacant.insert(number);
                rows.push(Leaf {
                    department,
                    parts: [first.into(), second.into()],
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
    u32::try_from(count).expect("fewer than 2^32 leaves")
}

/// The leaves that each entry of a name table counts in.
#[derive(Default)]
pub struct Memberships(Vec<[LeafNumber; MOST_LEAVES]>);

impl Memberships {
    /// Look up the leaves of names that are new in the table.
    pub fn learn(&mut self, leaves: &mut Leaves, names: &NameTable, symbols: &Symbols) {
        for row in &names.rows()[self.0.len()..] {
            let [channel, category] = [row.channel, row.category].map(|name| symbols.text(name));
            let whence = leaves.number(("", channel, category));
            let holder = holder_of(row, symbols).map(|name| leaves.number(name));
            // Twice the same stands for one: a holder's leaf has a department, the other has none.
            self.0.push([whence, holder.unwrap_or(whence)]);
        }
    }

    /// The names' leaves; `learn` has seen them.
    pub fn of(&self, names: u32) -> &[LeafNumber] {
        let leaves = &self.0[names as usize];
        let count = if leaves[0] == leaves[1] {
            1
        } else {
            MOST_LEAVES
        };
        &leaves[..count]
    }
}

fn holder_of<'a>(names: &Names, symbols: &'a Symbols) -> Option<LeafName<'a>> {
    let holder = names.holder;
    (holder.department != NO_NAME).then(|| {
        let [department, team, employee] =
            [holder.department, holder.team, holder.employee].map(|name| symbols.text(name));
        (department, team, employee)
    })
}
