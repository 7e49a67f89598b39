/** What programs on the fleet's machines may do, as its spec says it. */

import { policyStatements } from '../fleet/policy.ts';
import { type StatementWords, sentenceOf } from '../fleet/policy-words.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { html, type Markup } from './html.ts';

export function policyList(
  { policy, role, profile }: FleetSpec,
  inWords?: readonly StatementWords[],
): Markup | undefined {
  const asWritten = policy ? policyStatements(policy.document).map((words) => html`${words}`) : [];
  const statements = inWords?.map(statement) ?? asWritten;
  const lines = [
    ...statements,
    ...(role && !role.reuse ? role.managedPolicies : []).map((arn) => html`what <code>${arn}</code> allows`),
    ...(role?.reuse ? [html`what the role <code>${role.name}</code> may, which existed before`] : []),
    ...(profile.reuse
      ? [html`what the role in the profile <code>${profile.ref}</code> may, which existed before`]
      : []),
    ...(role && !role.reuse && role.permissionsBoundary
      ? [html`never more than the boundary <code>${role.permissionsBoundary}</code> allows`]
      : []),
  ];
  return lines.length === 0
    ? undefined
    : html`<ul class="policy">${lines.map((line) => html`<li>${line}</li>`)}</ul>\n`;
}

function statement(words: StatementWords): Markup {
  const never = words.effect === 'Deny' && html`<strong>never</strong>: `;
  return html`${words.sid && `${words.sid}: `}${never}${sentenceOf(words)} <code>${words.actions.join(', ')}</code>`;
}
