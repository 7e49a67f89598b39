/** What the parts of a fleet's placements ask of each other. */

import { type Finding, finding, type KeyPath, shown } from './mistakes.ts';
import { REGION, ZONE } from './names.ts';
import { isMap } from './schema-parts.ts';

const NEED = ['vcpu', 'memory', 'arch'] as const;
const PARTS = ['type', ...NEED, 'zone', 'subnet'] as const;

/** A fleet has placements, or the parts of its only one among its instances' fields. */
export function placementConflicts(spec: Record<string, unknown>, region: string | undefined): Finding[] {
  const { instances } = spec;
  if (!isMap(instances)) return [];
  const { placements, spread } = instances;
  const path = ['instances'];
  if (placements === undefined) {
    return [
      ...oneConflicts(instances, path, region),
      ...(spread === true
        ? [
            finding(
              [...path, 'spread'],
              'given without placements',
              'name the placements to share the count over',
              'key',
            ),
          ]
        : []),
    ];
  }
  const beside = PARTS.filter((part) => instances[part] !== undefined).map((part) =>
    finding([...path, part], 'given beside placements', 'give it in each of them', 'key'),
  );
  if (!Array.isArray(placements)) return beside;
  const listed = [...path, 'placements'];
  const texts = placements.map((placement) =>
    JSON.stringify(isMap(placement) ? Object.entries(placement).sort() : placement),
  );
  return [
    ...beside,
    ...placements.flatMap((placement, at) =>
      isMap(placement) ? oneConflicts(placement, [...listed, at], region) : [],
    ),
    ...texts.flatMap((text, at) =>
      texts.indexOf(text) < at
        ? [finding([...listed, at], 'the same placement again', 'keep one of the two')]
        : [],
    ),
  ];
}

function oneConflicts(
  placement: Record<string, unknown>,
  path: KeyPath,
  region: string | undefined,
): Finding[] {
  const { type, zone, subnet } = placement;
  const needs = NEED.filter((part) => placement[part] !== undefined);
  const findings: Finding[] = [];
  if (type === undefined && !needs.some((part) => part !== 'arch')) {
    const mend = 'give an instance type, for instance t3.micro, or a need: vcpu: 2..4, memory: 4GiB..';
    findings.push(finding([...path, 'type'], 'missing', mend));
  }
  if (type !== undefined) {
    const mend = 'leave it out: the type has its own';
    findings.push(...needs.map((part) => finding([...path, part], 'given beside a type', mend, 'key')));
  }
  if (typeof zone !== 'string') return findings;
  if (subnet !== undefined) {
    const mend = 'leave it out: a subnet is in one zone';
    findings.push(finding([...path, 'zone'], 'given beside a subnet', mend, 'key'));
  } else if (region !== undefined && REGION.test(region) && ZONE.test(zone) && !isIn(zone, region)) {
    findings.push(
      finding([...path, 'zone'], `${shown(zone)} is not in ${region}`, `for instance ${region}a`),
    );
  }
  return findings;
}

/** `us-east-1a`, `us-east-1-wl1-bos-wlz-1`; not `us-east-11a`. */
function isIn(zone: string, region: string): boolean {
  return zone.startsWith(region) && !/^\d/.test(zone.slice(region.length));
}
