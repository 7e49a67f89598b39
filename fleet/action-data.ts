/** What is known of IAM's actions, and which of them a pattern of a policy covers. */

export interface ActionData {
  /** Of the data: what is newer it does not know. `2026-09-26`. */
  readonly date: string;
  /** The prefixes of all services: `s3`, `iam`. */
  readonly services: readonly string[];
  /** By prefix; only of the services that were asked for. */
  readonly of: Readonly<Record<string, ServiceData>>;
}

export interface ServiceData {
  /** `Amazon S3`. */
  readonly name: string;
  readonly actions: readonly ActionFacts[];
  /** The ARNs of each type of resource: `arn:{Partition}:s3:::{BucketName}`. */
  readonly resources: Readonly<Record<string, readonly string[]>>;
}

export interface ActionFacts {
  /** `GetObject`. */
  readonly name: string;
  /** `Grants permission to retrieve objects from Amazon S3`. */
  readonly description: string;
  readonly levels: readonly Level[];
  /** Types of resources that it can be allowed on; with none only on `*`. */
  readonly resources: readonly string[];
}

export const LEVELS = ['List', 'Read', 'Write', 'Tagging', 'Permissions management'] as const;

export type Level = (typeof LEVELS)[number];

/** An action as a policy writes it, with what it covers. */
export interface Covered {
  /** `s3:Get*`. */
  readonly written: string;
  /** In lower case. */
  readonly prefix: string;
  /** Behind the colon. */
  readonly name: string;
  readonly hasWildcard: boolean;
  /** Undefined when no such service is known. */
  readonly service: ServiceData | undefined;
  readonly actions: readonly ActionFacts[];
}

/** No service is named, and all of them are meant. */
export function isAll(written: string): boolean {
  return written === '*';
}

/** The services that a policy's actions name, in lower case. */
export function prefixesOf(actions: readonly string[]): string[] {
  return [...new Set(actions.filter((written) => !isAll(written)).map((written) => parts(written).prefix))];
}

/** IAM compares actions ignoring case. */
export function covered(written: string, data: ActionData): Covered {
  const { prefix, name } = parts(written);
  const service = Object.hasOwn(data.of, prefix) ? data.of[prefix] : undefined;
  const pattern = RegExp(`^${name.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'i');
  return {
    written,
    prefix,
    name,
    hasWildcard: /[*?]/.test(name),
    service,
    actions: service?.actions.filter((action) => pattern.test(action.name)) ?? [],
  };
}

function parts(written: string): { readonly prefix: string; readonly name: string } {
  const colon = written.indexOf(':');
  return { prefix: written.slice(0, colon).toLowerCase(), name: written.slice(colon + 1) };
}
