/** The associations of instances with profiles, of which moto knows too few and answers too little. */

import { type Answer, errorAnswer, items, readXml, withBody, writeXml, type Xml } from './answers.ts';
import type { Iam } from './iam.ts';
import type { Instances } from './instances.ts';
import type { Moto } from './moto.ts';
import type { AwsRequest } from './request.ts';

export function createAssociations(moto: Moto, iam: Iam, instances: Instances) {
  return {
    async associate(request: AwsRequest): Promise<Answer> {
      const profile = await iam.wantedProfile(request.params);
      if (profile && 'refused' in profile) {
        return errorAnswer(request, { code: 'InvalidParameterValue', message: profile.refused });
      }
      const answer = await moto.forward(request);
      if (answer.status >= 300) return answer;
      const document = readXml(answer.body);
      const response = document[`${request.action}Response`] as Xml;
      const association = response.iamInstanceProfileAssociation as Xml;
      const instance = instances.get(`${association.instanceId}`);
      if (instance && profile) {
        instance.profile = profile;
        association.iamInstanceProfile = { ...profile };
      }
      return withBody(answer, writeXml(document));
    },

    /** The instance has no profile then, and tells it. */
    async disassociate(request: AwsRequest): Promise<Answer> {
      const answer = await moto.forward(request);
      if (answer.status >= 300) return answer;
      const response = readXml(answer.body).DisassociateIamInstanceProfileResponse as Xml;
      const { instanceId } = response.iamInstanceProfileAssociation as Xml;
      const instance = instances.get(`${instanceId}`);
      if (instance) instance.profile = undefined;
      return answer;
    },

    async describe(request: AwsRequest): Promise<Answer> {
      await associateAll();
      const answer = await moto.forward(request);
      if (answer.status >= 300) return answer;
      const document = readXml(answer.body);
      const response = document.DescribeIamInstanceProfileAssociationsResponse as Xml;
      for (const item of items(response.iamInstanceProfileAssociationSet)) {
        const profile = instances.get(`${item.instanceId}`)?.profile;
        if (profile) item.iamInstanceProfile = { ...profile };
      }
      return withBody(answer, writeXml(document));
    },
  };

  /** moto makes an association for the first instance of a launch alone, EC2 for each. */
  async function associateAll(): Promise<void> {
    for (const [id, instance] of instances) {
      if (!instance.profile || instance.associated || instance.terminatedAt !== undefined) continue;
      instance.associated = true;
      await moto.associate(instance.region, id, instance.profile.arn);
    }
  }
}
