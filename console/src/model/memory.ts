/** What this browser remembers. A browser that forbids it forgets, and the wall still works. */

type Name = "actor" | "language";

export function recall(name: Name): string | null {
  try {
    return localStorage.getItem(`bellwether.${name}`);
  } catch {
    return null;
  }
}

export function remember(name: Name, value: string): void {
  try {
    localStorage.setItem(`bellwether.${name}`, value);
  } catch {
    // storage is refused: the choice holds until the page is left
  }
}
