/** Whether a resource of a policy can stand for resources of a type. */

/** One character, or any number of them; of what kind is told by those that it cannot be. */
interface Token {
  readonly many: boolean;
  /** A character of its own. */
  readonly is?: string;
  readonly not?: string;
}

/** `format` as AWS documents it: `arn:{Partition}:s3:::{BucketName}/{ObjectName}`. Errs on the side of a fit. */
export function fits(resource: string, format: string): boolean {
  const [one, other] = [tokensOfResource(resource), tokensOfFormat(format)];
  const known = new Map<string, boolean>();
  const meet = (i: number, j: number): boolean => {
    const key = `${i} ${j}`;
    if (!known.has(key)) known.set(key, look(i, j));
    return known.get(key)!;
  };
  const look = (i: number, j: number): boolean => {
    const [a, b] = [one[i], other[j]];
    if (!a && !b) return true;
    if (a?.many && meet(i + 1, j)) return true;
    if (b?.many && meet(i, j + 1)) return true;
    // Of two runs one ends first.
    if (!a || !b || (a.many && b.many) || !canMeet(a, b)) return false;
    return meet(a.many ? i : i + 1, b.many ? j : j + 1);
  };
  return meet(0, 0);
}

function canMeet(a: Token, b: Token): boolean {
  if (a.is !== undefined && b.is !== undefined) return a.is === b.is;
  return !(a.is && b.not?.includes(a.is)) && !(b.is && a.not?.includes(b.is));
}

/** A variable can be anything. */
function tokensOfResource(resource: string): Token[] {
  return resource.split(/(\$\{[^}]*\}|[*?])/).flatMap((part): Token[] => {
    if (part === '?') return [{ many: false }];
    return part === '*' || part.startsWith('$') ? [{ many: true }] : literal(part);
  });
}

/** What a placeholder stands for is not empty. A bucket's name has no slash, and an account's number no colon. */
function tokensOfFormat(format: string): Token[] {
  return format.split(/(\{[^}]*\}|\*)/).flatMap((part): Token[] => {
    if (part === '*') return [{ many: true }];
    if (!part.startsWith('{')) return literal(part);
    const not = NARROW[part];
    return [
      { many: false, not },
      { many: true, not },
    ];
  });
}

const NARROW: Readonly<Record<string, string>> = {
  '{Partition}': ':',
  '{Region}': ':',
  '{Account}': ':',
  '{BucketName}': ':/',
};

function literal(part: string): Token[] {
  return [...part].map((is) => ({ many: false, is }));
}
