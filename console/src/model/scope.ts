/** The text form of a scope (`shared/contracts/scopes.py`), read for people. */

export interface ScopeName {
  kind: string;
  department: string;
  name: string;
}

export function parseScope(key: string): ScopeName {
  const colon = key.indexOf(":");
  if (colon < 0) return { kind: key, department: "", name: "" };
  const kind = key.slice(0, colon);
  const parts = key
    .slice(colon + 1)
    .split("/")
    .map(unquote);
  const first = parts[0] ?? "";
  if (kind === "team" || kind === "employee") {
    return { kind, department: first, name: parts[1] ?? "" };
  }
  return { kind, department: kind === "department" ? first : "", name: first };
}

export function departmentKey(scope: string): string | null {
  const { kind, department } = parseScope(scope);
  if (kind === "department") return scope;
  return department ? `department:${scope.slice(scope.indexOf(":") + 1).split("/")[0]}` : null;
}

function unquote(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a name that is not percent-quoted is shown as it came
  }
}
