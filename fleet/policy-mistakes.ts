/**
 * What of a policy may not be what was meant: an action that does not exist, a wildcard that covers more than it seems to,
 * a resource that an action does not take. None of it stops a fleet: AWS may have actions that the data do not know.
 */

import { type ActionData, type ActionFacts, type Covered, covered, isAll } from './action-data.ts';
import { fits } from './arn-fit.ts';
import { nearest } from './mistakes.ts';
import { listed, type PolicyDocument, type PolicyStatement } from './policy.ts';

export type PolicyDoubtKind = 'unknown-service' | 'unknown-action' | 'wide' | 'hands-over' | 'wrong-resource';

export interface PolicyDoubt {
  readonly kind: PolicyDoubtKind;
  /** The statement, counted from 1. */
  readonly statement: number;
  /** Its id, if it has one. */
  readonly sid?: string;
  /** As it is written: an action, or what stands for one. */
  readonly action: string;
  readonly message: string;
  /** What may be right. */
  readonly mend?: string;
}

type Doubt = Omit<PolicyDoubt, 'statement' | 'sid'>;

export function policyDoubts({ Statement }: PolicyDocument, data: ActionData): PolicyDoubt[] {
  return Statement.flatMap((statement, at) =>
    doubtsOf(statement, data).map((doubt) => ({
      ...doubt,
      statement: at + 1,
      ...(statement.Sid && { sid: statement.Sid }),
    })),
  );
}

function doubtsOf(statement: PolicyStatement, data: ActionData): Doubt[] {
  const { Effect, Action, NotAction } = statement;
  const isAllowed = Effect === 'Allow';
  const all = (listed(Action ?? NotAction) as string[]).filter((written) => !isAll(written));
  const named = all.map((written) => covered(written, data));
  const unknown = named.flatMap((one) => unknownDoubt(one, data) ?? []);
  if (NotAction !== undefined) return [...unknown, ...(isAllowed ? [allButDoubt(all)] : [])];
  const known = named.filter(({ actions }) => actions.length > 0);
  return [
    ...unknown,
    ...(isAllowed && (listed(Action) as string[]).some(isAll) ? [everythingDoubt(statement)] : []),
    ...known.flatMap((one) => [
      ...(isAllowed ? powerDoubts(one, statement) : []),
      ...resourceDoubts(one, statement),
    ]),
  ];
}

function unknownDoubt({ written, prefix, name, hasWildcard, service, actions }: Covered, data: ActionData) {
  if (actions.length > 0) return undefined;
  if (!service) {
    const near = nearest(prefix, data.services);
    const message = `no service has the prefix ${prefix}`;
    return {
      kind: 'unknown-service',
      action: written,
      message,
      ...meant(near && `${near}:${name}`),
    } as const;
  }
  const near = hasWildcard ? nearestPattern(name, service.actions) : nearestName(name, service.actions);
  const message = hasWildcard ? `covers no action of ${service.name}` : `${service.name} has no such action`;
  return { kind: 'unknown-action', action: written, message, ...meant(near && `${prefix}:${near}`) } as const;
}

function meant(near: string | undefined): Pick<Doubt, 'mend'> {
  return near === undefined ? {} : { mend: `did you mean ${near}?` };
}

function nearestName(name: string, actions: readonly ActionFacts[]): string | undefined {
  const byLower = new Map(actions.map((action) => [action.name.toLowerCase(), action.name]));
  const near = nearest(name.toLowerCase(), [...byLower.keys()]);
  return near && byLower.get(near);
}

/** By what stands before the first wildcard: `Lst*` is like `List*`. */
function nearestPattern(name: string, actions: readonly ActionFacts[]): string | undefined {
  const head = /^[^*?]*/.exec(name)![0];
  const beginnings = actions.flatMap((action) => {
    const words = action.name.match(/[A-Z]+[^A-Z]*|[^A-Z]+/g) ?? [];
    return words.map((_, at) => words.slice(0, at + 1).join(''));
  });
  const near = nearest(head, [...new Set(beginnings)]);
  return near && `${near}${name.slice(head.length)}`;
}

const EVERY = 'every action of every service';

function everythingDoubt({ Resource, Condition }: PolicyStatement): Doubt {
  const isOpen = Condition === undefined && listed(Resource).includes('*');
  return {
    kind: 'wide',
    action: '*',
    message: isOpen
      ? `${EVERY}: whoever is on a machine has the account`
      : `${EVERY}, also those that hand over roles and change permissions`,
    mend: 'name the services and actions that are needed',
  };
}

function allButDoubt(excluded: readonly string[]): Doubt {
  return {
    kind: 'wide',
    action: excluded.join(', '),
    message: `allows ${EVERY} but these (NotAction)`,
    mend: 'name what is allowed, and deny these in a statement of its own',
  };
}

/** Of these it is not seen in a pattern that it covers them, or what comes of them. */
function powerDoubts(one: Covered, statement: PolicyStatement): Doubt[] {
  const { written: action, prefix, hasWildcard, actions } = one;
  const doubts: Doubt[] = [];
  const has = (name: string) => actions.find((each) => each.name === name);
  const isOpen = listed(statement.Resource).some((resource) => `${resource}`.endsWith('*'));
  if (prefix === 'iam' && has('PassRole') && (hasWildcard || (isOpen && !limitsPassing(statement)))) {
    const over = listed(statement.Resource).includes('*') ? 'any role' : 'the roles that it fits';
    doubts.push({
      kind: 'hands-over',
      action,
      message: `${hasWildcard ? 'covers iam:PassRole: ' : ''}lets a machine hand over ${over}, also one that may do more than its own`,
      mend: 'name the role, with the condition iam:PassedToService',
    });
  }
  if (prefix === 'sts' && has('AssumeRole') && isOpen) {
    doubts.push({
      kind: 'hands-over',
      action,
      message: `${hasWildcard ? 'covers sts:AssumeRole: ' : ''}lets a machine become any role that trusts it`,
      mend: 'name the roles',
    });
  }
  const permissions = actions.filter(({ levels }) => levels.includes('Permissions management'));
  if (hasWildcard && permissions.length > 0) {
    // The shortest name is mostly the best known.
    const [first] = permissions.map(({ name }) => name).sort((a, b) => a.length - b.length);
    const others = permissions.length > 1 ? ` and ${permissions.length - 1} more` : '';
    doubts.push({
      kind: 'wide',
      action,
      message: `covers what changes permissions: ${prefix}:${first}${others}`,
      mend: 'name the actions that are needed',
    });
  }
  return doubts;
}

function limitsPassing({ Condition = {} }: PolicyStatement): boolean {
  return Object.values(Condition).some((keys) =>
    Object.keys(keys).some((key) => key.toLowerCase() === 'iam:passedtoservice'),
  );
}

function resourceDoubts(one: Covered, { Effect, Resource, NotResource }: PolicyStatement): Doubt[] {
  const resources = listed(Resource) as string[];
  if (NotResource !== undefined || resources.includes('*')) return [];
  const { written: action, prefix, hasWildcard, actions, service } = one;
  const formatsOf = ({ resources: types }: ActionFacts) =>
    types.flatMap((type) => service!.resources[type] ?? []);
  const takes = (each: ActionFacts, resource: string) =>
    formatsOf(each).some((format) => fits(resource, format)) ||
    (formatsOf(each).length === 0 && isOpenEnded(resource));
  const idle = actions.filter((each) => !resources.some((resource) => takes(each, resource)));
  if (idle.length === 0) return [];
  const does = Effect === 'Allow' ? 'allows' : 'denies';
  const where = resources.length === 1 ? resources[0] : 'any of its resources';
  if (idle.length === actions.length) {
    const formats = idle.flatMap(formatsOf);
    const message =
      formats.length === 0
        ? `${does} nothing: it takes no resource but *`
        : `${does} nothing: it takes such as ${exampleOf(formats)}, and not ${resources.join(', ')}`;
    const mend = formats.length === 0 ? 'resources: ["*"]' : likelyMend(resources, formats);
    return [{ kind: 'wrong-resource', action, message, ...(mend && { mend }) }];
  }
  // A bucket's ARN does not stand for what is in it, whatever it looks like.
  const objects = service!.resources.object ?? [];
  const isOnObjects = ({ resources: types }: ActionFacts) => types.includes('object');
  const areIdle = actions.filter(isOnObjects).every((each) => idle.includes(each));
  if (prefix !== 's3' || !hasWildcard || !actions.some(isOnObjects) || !areIdle) return [];
  const mend = likelyMend(resources, objects);
  return [
    {
      kind: 'wrong-resource',
      action,
      message: `${does} nothing that is done with objects: ${where} is a bucket's`,
      ...(mend && { mend }),
    },
  ];
}

/** `*` stands for what has no ARN; some services take the ARN of all of theirs for it, too. */
function isOpenEnded(resource: string): boolean {
  return resource.endsWith(':*');
}

/** `arn:aws:s3:::BUCKETNAME/OBJECTNAME`: the shortest, which is what most mean. */
function exampleOf(formats: readonly string[]): string {
  const [shortest] = [...formats].sort((a, b) => a.length - b.length);
  return shortest!
    .replace('{Partition}', 'aws')
    .replace(/\{(\w+)\}/g, (_, name: string) => name.toUpperCase());
}

/** What is the most common slip: the objects for their bucket, or the other way round. */
function likelyMend(resources: readonly string[], formats: readonly string[]): string | undefined {
  const fitting = resources.flatMap((resource) =>
    [`${resource}/*`, resource.replace(/[/:]\*$/, '')].filter((other) =>
      formats.some((format) => fits(other, format)),
    ),
  );
  return fitting[0] && `did you mean ${fitting[0]}?`;
}
