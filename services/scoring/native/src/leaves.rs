//! Numbers for leaves and their departments, and the leaves that names count in
//! (`shared.contracts.leaves`).

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::msgpack::Write;
use crate::names::{NO_NAME, NameTable, Names, Symbols};

pub type LeafNumber = u32;
pub type DepartmentNumber = u32;

/// Department, team and employee; or "", channel and category.
pub type LeafName<'a> = (&'a str, &'a str, &'a str);

/// So many a measurement counts in at most: the first knows how it came in, the second who holds it.
const MOST_LEAVES: usize = 2;

struct Leaf {
    department: DepartmentNumber,
    /// As it lies in records.
    name: Box<[u8]>,
}

/// Leaves, numbered in the order in which they are first asked for; they stay.
#[derive(Default)]
pub struct Leaves {
    rows: Vec<Leaf>,
    numbers: HashTable<LeafNumber>,
    departments: Vec<Box<str>>,
    department_numbers: HashTable<DepartmentNumber>,
    asked: Vec<u8>,
}

impl Leaves {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The `MessagePack` of its name.
    pub fn name(&self, leaf: LeafNumber) -> &[u8] {
        &self.rows[leaf as usize].name
    }

    pub fn department_of(&self, leaf: LeafNumber) -> DepartmentNumber {
        self.rows[leaf as usize].department
    }

    /// The department's name; "" is one too.
    pub fn department(&self, department: DepartmentNumber) -> &str {
        &self.departments[department as usize]
    }

    pub fn number(&mut self, (department, first, second): LeafName<'_>) -> LeafNumber {
        let number = self.department_number(department);
        let (rows, asked) = (&mut self.rows, &mut self.asked);
        asked.clear();
        asked.array(3);
        for text in [department, first, second] {
            asked.text(text);
        }
        let entry = self.numbers.entry(
            xxh3_64_with_seed(asked, 0),
            |number| *rows[*number as usize].name == **asked,
            |number| xxh3_64_with_seed(&rows[*number as usize].name, 0),
        );
        match entry {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                let leaf = next_number(rows.len());
                vacant.insert(leaf);
                rows.push(Leaf {
                    department: number,
                    name: asked.as_slice().into(),
                });
                leaf
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
