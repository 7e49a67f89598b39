/**
 * IAM's replicas: IAM is changed in one place and copied outward (IAM User Guide, "Troubleshoot IAM"), so that for a
 * while any call may meet a copy that has not heard of a change. Such a copy answers what was true before it.
 */

import { type Answer, type AwsFault, errorAnswer, readXml, withBody, writeXml, type Xml } from './answers.ts';
import type { Behaviour } from './behaviour.ts';
import type { Draws } from './draws.ts';
import { changedReads, isRead, nameOf, readName, unlinked } from './iam-calls.ts';
import type { Moto } from './moto.ts';
import type { AwsRequest } from './request.ts';

type Perform = (request: AwsRequest) => Promise<Answer>;

export function behindReplicas(perform: Perform, moto: Moto, behaviour: Behaviour, draws: Draws): Perform {
  /** When each role and profile was made. */
  const made = new Map<string, number>();
  /** Since when a role or profile could be deleted, and what kept it until then. */
  const freed = new Map<string, { readonly at: number; readonly kept: string }>();
  /** What each read answered before the changes of late, oldest first. */
  const before = new Map<string, { readonly at: number; readonly answer: Answer }[]>();

  const isRecent = (moment = 0) => Date.now() - moment < behaviour.iamLagSeconds * 1000;

  return async function answer(request) {
    if (behaviour.iamLagSeconds === 0) return perform(request);
    const isStale = draws.happens(behaviour.staleChance, 'iamLag', request.action, ...subjectsOf(request));
    if (!isRead(request)) return (isStale && refusal(request)) || change(request);
    const old = isStale ? await oldAnswer(request) : undefined;
    return old ?? perform(request);
  };

  function refusal(request: AwsRequest): Answer | undefined {
    const fault = unknownYet(request) ?? conflictStill(request);
    return fault && errorAnswer(request, fault);
  }

  /** IAM's words: terraform-provider-aws, internal/service/iam/instance_profile.go. */
  function unknownYet(request: AwsRequest): AwsFault | undefined {
    const { params, action } = request;
    if (action.startsWith('Create')) return undefined;
    const young = subjectsOf(request).find((subject) => isRecent(made.get(subject)));
    if (young === undefined) return undefined;
    const message = young.startsWith('RoleName')
      ? `The role with name ${params.get('RoleName')} cannot be found.`
      : `Instance Profile ${params.get('InstanceProfileName')} cannot be found.`;
    return { code: 'NoSuchEntity', message, status: 404 };
  }

  /** Terraform tries DeleteRole again for two minutes on this. */
  function conflictStill(request: AwsRequest): AwsFault | undefined {
    if (request.action !== 'DeleteRole' && request.action !== 'DeleteInstanceProfile') return undefined;
    const subject = subjectsOf(request).find((subject) => isRecent(freed.get(subject)?.at));
    if (subject === undefined) return undefined;
    const message = `Cannot delete entity, ${freed.get(subject)!.kept}`;
    return { code: 'DeleteConflict', message, status: 409 };
  }

  async function change(request: AwsRequest): Promise<Answer> {
    const reads = changedReads(request);
    const answers = await Promise.all(reads.map((params) => moto.askAsOperator(request, params)));
    const answer = await perform(request);
    if (answer.status >= 300) return answer;
    const at = Date.now();
    for (const [of, params] of reads.entries()) {
      const name = readName(params);
      const recent = (before.get(name) ?? []).filter(({ at }) => isRecent(at));
      before.set(name, [...recent, { at, answer: answers[of]! }]);
    }
    remember(request, at);
    return answer;
  }

  function remember(request: AwsRequest, at: number): void {
    const subjects = subjectsOf(request);
    const kept = unlinked(request);
    for (const subject of subjects) {
      if (request.action === 'CreateRole' || request.action === 'CreateInstanceProfile')
        made.set(subject, at);
      if (request.action === 'DeleteRole' || request.action === 'DeleteInstanceProfile') {
        made.delete(subject);
        freed.delete(subject);
      }
      if (kept) freed.set(subject, { at, kept });
    }
  }

  async function oldAnswer(request: AwsRequest): Promise<Answer | undefined> {
    const unknown = unknownYet(request);
    if (unknown) return errorAnswer(request, unknown);
    const old = before.get(readName(request.params))?.find(({ at }) => isRecent(at));
    return old?.answer ?? (await oldListing(request));
  }

  /** A listing of all roles or profiles, without those that are new. */
  async function oldListing(request: AwsRequest): Promise<Answer | undefined> {
    const noun = { ListRoles: 'Role', ListInstanceProfiles: 'InstanceProfile' }[request.action];
    if (noun === undefined) return undefined;
    const answer = await perform(request);
    if (answer.status >= 300) return answer;
    const document = readXml(answer.body);
    const result = (document[`${request.action}Response`] as Xml)[`${request.action}Result`] as Xml;
    const members = (result[`${noun}s`] || {}) as Xml;
    const kept = [members.member ?? []]
      .flat()
      .filter((member) => !isRecent(made.get(nameOf(`${noun}Name`, `${(member as Xml)[`${noun}Name`]}`))));
    result[`${noun}s`] = kept.length > 0 ? ({ member: kept } as Xml) : '';
    return withBody(answer, writeXml(document));
  }
}

/** The roles and profiles that a call names. */
function subjectsOf({ params }: AwsRequest): string[] {
  return ['RoleName', 'InstanceProfileName'].flatMap((kind) => {
    const name = params.get(kind);
    return name === null ? [] : [nameOf(kind, name)];
  });
}
