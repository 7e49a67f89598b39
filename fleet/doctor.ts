/** What a doctor finds: one line for each thing that was looked at, and what mends it. */

export interface DoctorLine {
  /** What was looked at: `temporal`, `worker`, `aws` and so on. */
  readonly check: string;
  /** `skipped`: it could not be looked at, because of another line or for want of a spec. */
  readonly state: 'ok' | 'warn' | 'fail' | 'skipped';
  readonly words: string;
  /** What to type or do. */
  readonly mend?: string;
  /** Nobody has answered. */
  readonly unanswered?: true;
}

export interface DoctorReport {
  readonly schema: 1;
  readonly lines: readonly DoctorLine[];
}

/** What `examineWorker` takes. */
export interface ExamineRequest<Spec> {
  /** What it is to be able to make. */
  readonly spec?: Spec;
}

/** A worker's account of itself, and of AWS as it sees it. */
export interface Examination {
  readonly muster: string;
  readonly node: string;
  /** Of its process: milliseconds since the epoch. */
  readonly startedAt: number;
  /** Where it goes when nothing else says where. */
  readonly region?: string;
  /** Where it finds AWS, if not at AWS's own endpoints. */
  readonly endpoint?: string;
  readonly identity?: { readonly account: string; readonly caller: string };
  /** Why it does not know who it is. */
  readonly refused?: { readonly code: string; readonly message: string; readonly unanswered: boolean };
  /** Seconds by which its clock is ahead of AWS's; an answer's date is exact to a second. */
  readonly aheadOfAws?: number;
  /** Seconds since Temporal handed out this look, by the worker's clock: below zero the clock is behind. */
  readonly sinceScheduled: number;
  /** The actions for the spec that a simulation denies it. */
  readonly denied?: readonly string[];
  /** Why nothing was simulated. */
  readonly unsimulated?: string;
  /** Whom of `notify` it cannot tell, and why. */
  readonly unheard: readonly string[];
}

/** AWS takes no signature that is five minutes off (AWS General Reference, "Signing"). */
const MOST_AHEAD = 240;
const NOTICED = 30;
/** A look may have waited for a free place in the worker. */
const MOST_WAIT = 60;

export interface ExaminedSpec {
  readonly file: string;
  readonly account?: string;
  readonly tells: boolean;
}

/** What a worker's account comes to. `version` is that of whoever asks. */
export function examinedLines(
  seen: Examination,
  { version, now, spec }: { readonly version: string; readonly now: number; readonly spec?: ExaminedSpec },
): readonly DoctorLine[] {
  return [
    workerLine(seen, version, now),
    awsLine(seen, spec),
    permissionsLine(seen, spec),
    clockLine(seen),
    ...(spec?.tells ? [notifyLine(seen)] : []),
  ];
}

/** The lines of what only a worker could say. */
export function unexaminedLines(spec: ExaminedSpec | undefined): readonly DoctorLine[] {
  const checks = ['aws', 'permissions', 'clock', ...(spec?.tells ? ['notify'] : [])];
  return checks.map((check) => skipped(check, 'only a worker can say'));
}

export function skipped(check: string, words: string, mend?: string): DoctorLine {
  return { check, state: 'skipped', words, mend };
}

function workerLine({ muster, node, startedAt }: Examination, version: string, now: number): DoctorLine {
  const words = `muster ${muster} on Node ${node}, up for ${ageWords((now - startedAt) / 1000)}`;
  if (muster === version) return { check: 'worker', state: 'ok', words };
  return {
    check: 'worker',
    state: 'warn',
    words: `${words}; this command is ${version}`,
    mend: `start a worker of ${version}, or use the command of ${muster}`,
  };
}

function ageWords(seconds: number): string {
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}

function awsLine({ identity, refused, region, endpoint }: Examination, spec?: ExaminedSpec): DoctorLine {
  const at = endpoint ? ` at ${endpoint}` : '';
  if (!identity) {
    const { code, message, unanswered } = refused!;
    return {
      check: 'aws',
      state: 'fail',
      words: `sts:GetCallerIdentity${at}: ${code}: ${message}`,
      mend: credentialsMend(code, unanswered),
      ...(unanswered && { unanswered }),
    };
  }
  const who = `${identity.caller}${at}, ${region === undefined ? 'no region of its own: specs have to say theirs' : region}`;
  if (spec?.account !== undefined && spec.account !== identity.account) {
    return {
      check: 'aws',
      state: 'fail',
      words: `${who}; ${spec.file} is for account ${spec.account}`,
      mend: `start the worker with credentials of ${spec.account}, or correct account: in the spec`,
    };
  }
  return { check: 'aws', state: 'ok', words: who };
}

function credentialsMend(code: string, unanswered: boolean): string {
  if (unanswered) return "see the worker's network and its AWS_ENDPOINT_URL";
  if (code === 'CredentialsProviderError') return 'start the worker with AWS_PROFILE, a role, or keys';
  if (code.startsWith('ExpiredToken'))
    return 'renew its credentials (aws sso login), and start the worker again';
  return "see the worker's AWS_PROFILE or keys: aws sts get-caller-identity";
}

function permissionsLine(
  { identity, denied, unsimulated }: Examination,
  spec: ExaminedSpec | undefined,
): DoctorLine {
  const check = 'permissions';
  if (!spec) return skipped(check, 'they depend on the spec', 'muster doctor FILE');
  if (!identity) return skipped(check, 'of nobody');
  if (denied === undefined) {
    return {
      check,
      state: 'warn',
      words: `not simulated: ${unsimulated}`,
      mend: `muster permissions ${spec.file} has what they should be`,
    };
  }
  if (denied.length === 0)
    return { check, state: 'ok', words: `all that ${spec.file} needs, by a simulation` };
  return {
    check,
    state: 'fail',
    words: `the worker may not ${denied.join(', ')}`,
    mend: `muster permissions ${spec.file} --json, and put it on its role`,
  };
}

function clockLine({ aheadOfAws, sinceScheduled }: Examination): DoctorLine {
  const off = Math.round(aheadOfAws ?? 0);
  const size = Math.abs(off);
  const mend = "set the worker's clock: timedatectl set-ntp true";
  if (size > NOTICED) {
    const words = `the worker is ${size} s ${off > 0 ? 'ahead of' : 'behind'} AWS`;
    return { check: 'clock', state: size > MOST_AHEAD ? 'fail' : 'warn', words, mend };
  }
  if (sinceScheduled < -NOTICED || sinceScheduled > MOST_WAIT) {
    const by = Math.round(Math.abs(sinceScheduled));
    const words = `the worker is ${by} s ${sinceScheduled > 0 ? 'ahead of Temporal, or too busy' : 'behind Temporal'}`;
    return { check: 'clock', state: 'warn', words, mend };
  }
  const others = aheadOfAws === undefined ? 'Temporal' : 'Temporal and AWS';
  return { check: 'clock', state: 'ok', words: `worker, ${others} agree` };
}

function notifyLine({ unheard }: Examination): DoctorLine {
  if (unheard.length === 0)
    return { check: 'notify', state: 'ok', words: 'the worker has the secrets of all who are told' };
  return {
    check: 'notify',
    state: 'warn',
    words: unheard.join('; '),
    mend: "put it into the worker's environment, and start the worker again",
  };
}
