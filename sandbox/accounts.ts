/** The accounts of the sandbox's AWS: each has its own IAM and EC2, and a role by which others may work in it. */

import { CreateRoleCommand, GetRoleCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { z } from 'zod';
import { type Answer, errorAnswer } from './answers.ts';
import { type Authorization, createAuthorization } from './authorization.ts';
import type { Behaviour } from './behaviour.ts';
import { checked, exactly, text } from './checked.ts';
import type { Draws } from './draws.ts';
import { createEc2, type Ec2 } from './ec2.ts';
import type { Keys } from './forwarding.ts';
import { createHands } from './hands.ts';
import { createIam } from './iam.ts';
import { behindReplicas } from './iam-lag.ts';
import { HOME, type Moto, type MotoServer } from './moto.ts';
import type { AwsRequest } from './request.ts';

export interface NewAccount {
  /** Twelve digits. */
  readonly id: string;
  /** What the trust policy of its role demands. */
  readonly externalId?: string;
}

export interface OpenedAccount {
  /** ARN of the role that may do everything in it, and that all may assume who know the external id. */
  readonly role: string;
  /** Keys of somebody who may do everything in it. */
  readonly keys: Keys;
}

/** One account: what answers its calls. */
export interface Account {
  readonly moto: Moto;
  readonly ec2: Ec2;
  readonly authorization: Authorization;
  answerIam(request: AwsRequest): Promise<Answer>;
  /** Told of every call that had its effect. */
  handsDo(request: AwsRequest, answer: Answer): Promise<void>;
}

const newAccount: z.ZodType<NewAccount> = exactly('field of an account', {
  id: z.string('twelve digits').regex(/^\d{12}$/, 'twelve digits'),
  externalId: text('a text').optional(),
});

const ROLE = 'muster';

export class Accounts {
  readonly #server: MotoServer;
  readonly #behaviour: Behaviour;
  readonly #draws: Draws;
  readonly #all: Map<string, Account>;

  constructor(server: MotoServer, behaviour: Behaviour, draws: Draws) {
    this.#server = server;
    this.#behaviour = behaviour;
    this.#draws = draws;
    this.#all = new Map([[HOME, this.#accountOf(server.home)]]);
  }

  /** The one whose keys a request is signed with. */
  of({ account }: AwsRequest): Account {
    return this.#all.get(account) ?? this.#all.get(HOME)!;
  }

  all(): Account[] {
    return [...this.#all.values()];
  }

  async open(given: NewAccount): Promise<OpenedAccount> {
    const { id, externalId } = checked(newAccount, given);
    if (this.#all.has(id)) throw new Error(`the account ${id} is there already`);
    const moto = await this.#server.openAccount(id);
    this.#all.set(id, this.#accountOf(moto));
    const { Role } = await moto.iam.send(
      new CreateRoleCommand({ RoleName: ROLE, AssumeRolePolicyDocument: JSON.stringify(trust(externalId)) }),
    );
    await moto.iam.send(
      new PutRolePolicyCommand({ RoleName: ROLE, PolicyName: 'anything', PolicyDocument: ANYTHING }),
    );
    return { role: Role!.Arn!, keys: moto.operator };
  }

  /** STS's refusal of a role that is not there or whose trust policy wants another external id: moto asks for none. */
  async refusedByTrust(request: AwsRequest): Promise<Answer | undefined> {
    const arn = request.params.get('RoleArn') ?? '';
    const [, id = '', name = ''] = /^arn:aws:iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(arn) ?? [];
    const wanted = await this.#externalIdOf(id, name);
    const told = request.params.get('ExternalId') ?? '';
    if (wanted === undefined || [wanted].flat().includes(told)) return undefined;
    const message = `User: arn:aws:iam::${request.account}:user/operator is not authorized to perform: sts:AssumeRole on resource: ${arn}`;
    return errorAnswer(request, { code: 'AccessDenied', message, status: 403 });
  }

  /** Undefined where none is wanted; one that nobody can know where there is no such role. */
  async #externalIdOf(id: string, name: string): Promise<string | readonly string[] | undefined> {
    const account = this.#all.get(id);
    const found = await account?.moto.iam.send(new GetRoleCommand({ RoleName: name })).catch(() => undefined);
    if (!found) return [];
    const document = JSON.parse(decodeURIComponent(found.Role!.AssumeRolePolicyDocument!));
    const statements = [document.Statement ?? []].flat() as Trust[];
    return statements.map(({ Condition }) => Condition?.StringEquals?.['sts:ExternalId']).find(Boolean);
  }

  #accountOf(moto: Moto): Account {
    const iam = createIam(moto, this.#behaviour, this.#draws);
    const ec2 = createEc2(moto, iam, this.#behaviour, this.#draws);
    return {
      moto,
      ec2,
      authorization: createAuthorization(moto),
      answerIam: behindReplicas(iam.answer, moto, this.#behaviour, this.#draws),
      handsDo: createHands(moto, ec2, this.#behaviour),
    };
  }
}

interface Trust {
  readonly Condition?: { readonly StringEquals?: Readonly<Record<string, string | readonly string[]>> };
}

function trust(externalId: string | undefined) {
  const Condition = externalId === undefined ? {} : { StringEquals: { 'sts:ExternalId': externalId } };
  const statement = { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole', Condition };
  return { Version: '2012-10-17', Statement: [statement] };
}

const ANYTHING = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
});
