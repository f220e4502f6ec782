//! The known ways to raise one's own rights, a row each: what must be allowed, and on what.
//!
//! Each row is a fact about what an AWS operation does with the rights of others; whether somebody may
//! is for [`super::raise`] to prove.

/// Whose way it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Anyone,
    Users,
    Roles,
}

/// What a step is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Itself,
    /// A managed policy of the account that the caller has.
    OwnPolicy,
    OwnGroup,
    /// A group with more rights.
    OtherGroup,
    /// A user with more rights.
    OtherUser,
    /// A role with more rights.
    Role,
    /// What another step is done to, with nothing known of the request.
    Same,
    /// The same role, once its trust policy names the caller.
    Trusting,
    /// A role with more rights that trusts the service, which the caller hands it to.
    Passed(&'static str),
    /// A function whose role has more rights.
    Function,
    /// A role or a user that is made on the way, without a boundary.
    NewRole,
    NewUser,
    /// Anything of this form; `{a}` is the account.
    At(&'static str),
}

#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) id: &'static str,
    pub(crate) by: By,
    pub(crate) how: &'static str,
    pub(crate) steps: &'static [(&'static str, On)],
}

const fn way(id: &'static str, by: By, how: &'static str, steps: &'static [(&'static str, On)]) -> Way {
    Way { id, by, how, steps }
}

use By::{Anyone, Roles, Users};
use On::{
    At, Function, Itself, NewRole, NewUser, OtherGroup, OtherUser, OwnGroup, OwnPolicy, Passed, Role,
    Trusting,
};

const PASS: &str = "iam:PassRole";
const EC2: On = Passed("ec2.amazonaws.com");
const LAMBDA: On = Passed("lambda.amazonaws.com");
const ECS: On = Passed("ecs-tasks.amazonaws.com");
const GLUE: On = Passed("glue.amazonaws.com");
const SAGEMAKER: On = Passed("sagemaker.amazonaws.com");
const INSTANCE: On = At("arn:aws:ec2:*:{a}:instance/*");
const NEW_FUNCTION: On = At("arn:aws:lambda:*:{a}:function:*");
const TASK: On = At("arn:aws:ecs:*:{a}:task-definition/*");
const STACK: On = At("arn:aws:cloudformation:*:{a}:stack/*");
const BUILD: On = At("arn:aws:codebuild:*:{a}:project/*");
const JOB: On = At("arn:aws:glue:*:{a}:job/*");
const PIPELINE: On = At("*");

#[rustfmt::skip]
pub(crate) const WAYS: &[Way] = &[
    // Its own policies.
    way("create-policy-version", Anyone, "writes a new version of a policy that it has", &[("iam:CreatePolicyVersion", OwnPolicy)]),
    way("set-default-policy-version", Anyone, "puts another version of a policy that it has in force", &[("iam:SetDefaultPolicyVersion", OwnPolicy)]),
    way("attach-user-policy", Users, "attaches a policy to itself", &[("iam:AttachUserPolicy", Itself)]),
    way("put-user-policy", Users, "writes a policy into itself", &[("iam:PutUserPolicy", Itself)]),
    way("attach-role-policy", Roles, "attaches a policy to itself", &[("iam:AttachRolePolicy", Itself)]),
    way("put-role-policy", Roles, "writes a policy into itself", &[("iam:PutRolePolicy", Itself)]),
    way("attach-group-policy", Users, "attaches a policy to a group that it is in", &[("iam:AttachGroupPolicy", OwnGroup)]),
    way("put-group-policy", Users, "writes a policy into a group that it is in", &[("iam:PutGroupPolicy", OwnGroup)]),
    way("add-user-to-group", Users, "joins a group with more rights", &[("iam:AddUserToGroup", OtherGroup)]),
    // Its boundary; these ways are for those who have one.
    way("delete-user-boundary", Users, "takes its permissions boundary away", &[("iam:DeleteUserPermissionsBoundary", Itself)]),
    way("put-user-boundary", Users, "widens its permissions boundary", &[("iam:PutUserPermissionsBoundary", Itself)]),
    way("delete-role-boundary", Roles, "takes its permissions boundary away", &[("iam:DeleteRolePermissionsBoundary", Itself)]),
    way("put-role-boundary", Roles, "widens its permissions boundary", &[("iam:PutRolePermissionsBoundary", Itself)]),
    // Somebody else's credentials.
    way("create-access-key", Anyone, "makes an access key of a user with more rights", &[("iam:CreateAccessKey", OtherUser)]),
    way("create-login-profile", Anyone, "gives a user with more rights a password", &[("iam:CreateLoginProfile", OtherUser)]),
    way("update-login-profile", Anyone, "changes the password of a user with more rights", &[("iam:UpdateLoginProfile", OtherUser)]),
    // Roles.
    way("assume-role", Anyone, "assumes a role with more rights", &[("sts:AssumeRole", Role)]),
    way("update-assume-role-policy", Anyone, "lets a role with more rights trust it, and assumes it", &[("iam:UpdateAssumeRolePolicy", Role), ("sts:AssumeRole", Trusting)]),
    // New identities.
    way("create-role-attach", Anyone, "makes a role, attaches a policy to it and assumes it", &[("iam:CreateRole", NewRole), ("iam:AttachRolePolicy", NewRole), ("sts:AssumeRole", Trusting)]),
    way("create-role-put", Anyone, "makes a role, writes a policy into it and assumes it", &[("iam:CreateRole", NewRole), ("iam:PutRolePolicy", NewRole), ("sts:AssumeRole", Trusting)]),
    way("create-user-attach", Anyone, "makes a user, attaches a policy to it and makes its access key", &[("iam:CreateUser", NewUser), ("iam:AttachUserPolicy", NewUser), ("iam:CreateAccessKey", NewUser)]),
    way("create-user-put", Anyone, "makes a user, writes a policy into it and makes its access key", &[("iam:CreateUser", NewUser), ("iam:PutUserPolicy", NewUser), ("iam:CreateAccessKey", NewUser)]),
    // A role handed to a service that runs what the caller says.
    way("pass-role-ec2", Anyone, "runs an instance with a role with more rights", &[(PASS, EC2), ("ec2:RunInstances", INSTANCE)]),
    way("pass-role-ec2-spot", Anyone, "runs a spot instance with a role with more rights", &[(PASS, EC2), ("ec2:RequestSpotInstances", At("arn:aws:ec2:*:{a}:spot-instances-request/*"))]),
    way("pass-role-ec2-profile", Anyone, "gives a running instance a role with more rights", &[(PASS, EC2), ("ec2:AssociateIamInstanceProfile", INSTANCE)]),
    way("pass-role-autoscaling", Anyone, "runs instances with a role with more rights by a scaling group", &[(PASS, EC2), ("autoscaling:CreateLaunchConfiguration", At("arn:aws:autoscaling:*:{a}:launchConfiguration:*")), ("autoscaling:CreateAutoScalingGroup", At("arn:aws:autoscaling:*:{a}:autoScalingGroup:*"))]),
    way("pass-role-lambda-invoke", Anyone, "makes a function with a role with more rights and invokes it", &[(PASS, LAMBDA), ("lambda:CreateFunction", NEW_FUNCTION), ("lambda:InvokeFunction", NEW_FUNCTION)]),
    way("pass-role-lambda-trigger", Anyone, "makes a function with a role with more rights and ties it to a source of events", &[(PASS, LAMBDA), ("lambda:CreateFunction", NEW_FUNCTION), ("lambda:CreateEventSourceMapping", At("*"))]),
    way("pass-role-lambda-permission", Anyone, "makes a function with a role with more rights and lets anyone invoke it", &[(PASS, LAMBDA), ("lambda:CreateFunction", NEW_FUNCTION), ("lambda:AddPermission", NEW_FUNCTION)]),
    way("pass-role-lambda-configuration", Anyone, "gives a function a role with more rights, and code that uses it", &[(PASS, LAMBDA), ("lambda:UpdateFunctionConfiguration", NEW_FUNCTION), ("lambda:UpdateFunctionCode", NEW_FUNCTION)]),
    way("pass-role-ecs-run-task", Anyone, "runs a task with a role with more rights", &[(PASS, ECS), ("ecs:RunTask", TASK)]),
    way("pass-role-ecs-start-task", Anyone, "starts a task with a role with more rights", &[(PASS, ECS), ("ecs:StartTask", TASK)]),
    way("pass-role-ecs-service", Anyone, "runs a service whose tasks have a role with more rights", &[(PASS, ECS), ("ecs:RegisterTaskDefinition", TASK), ("ecs:CreateService", At("arn:aws:ecs:*:{a}:service/*"))]),
    way("pass-role-batch", Anyone, "runs a batch job with a role with more rights", &[(PASS, ECS), ("batch:RegisterJobDefinition", At("arn:aws:batch:*:{a}:job-definition/*")), ("batch:SubmitJob", At("arn:aws:batch:*:{a}:job-definition/*"))]),
    way("pass-role-cloudformation", Anyone, "makes a stack by a role with more rights", &[(PASS, Passed("cloudformation.amazonaws.com")), ("cloudformation:CreateStack", STACK)]),
    way("pass-role-cloudformation-update", Anyone, "changes a stack by a role with more rights", &[(PASS, Passed("cloudformation.amazonaws.com")), ("cloudformation:UpdateStack", STACK)]),
    way("pass-role-codebuild", Anyone, "builds with a role with more rights", &[(PASS, Passed("codebuild.amazonaws.com")), ("codebuild:CreateProject", BUILD), ("codebuild:StartBuild", BUILD)]),
    way("pass-role-datapipeline", Anyone, "runs a data pipeline with a role with more rights", &[(PASS, Passed("datapipeline.amazonaws.com")), ("datapipeline:CreatePipeline", PIPELINE), ("datapipeline:PutPipelineDefinition", PIPELINE), ("datapipeline:ActivatePipeline", PIPELINE)]),
    way("pass-role-glue-endpoint", Anyone, "opens a development endpoint with a role with more rights", &[(PASS, GLUE), ("glue:CreateDevEndpoint", At("arn:aws:glue:*:{a}:devEndpoint/*"))]),
    way("pass-role-glue-job", Anyone, "runs a Glue job with a role with more rights", &[(PASS, GLUE), ("glue:CreateJob", JOB), ("glue:StartJobRun", JOB)]),
    way("pass-role-glue-update", Anyone, "changes a Glue job to a role with more rights and runs it", &[(PASS, GLUE), ("glue:UpdateJob", JOB), ("glue:StartJobRun", JOB)]),
    way("pass-role-sagemaker-notebook", Anyone, "opens a notebook with a role with more rights", &[(PASS, SAGEMAKER), ("sagemaker:CreateNotebookInstance", At("arn:aws:sagemaker:*:{a}:notebook-instance/*")), ("sagemaker:CreatePresignedNotebookInstanceUrl", At("arn:aws:sagemaker:*:{a}:notebook-instance/*"))]),
    way("pass-role-sagemaker-training", Anyone, "trains with a role with more rights", &[(PASS, SAGEMAKER), ("sagemaker:CreateTrainingJob", At("arn:aws:sagemaker:*:{a}:training-job/*"))]),
    way("pass-role-sagemaker-processing", Anyone, "processes data with a role with more rights", &[(PASS, SAGEMAKER), ("sagemaker:CreateProcessingJob", At("arn:aws:sagemaker:*:{a}:processing-job/*"))]),
    way("pass-role-states", Anyone, "runs a state machine with a role with more rights", &[(PASS, Passed("states.amazonaws.com")), ("states:CreateStateMachine", At("arn:aws:states:*:{a}:stateMachine:*")), ("states:StartExecution", At("arn:aws:states:*:{a}:stateMachine:*"))]),
    way("pass-role-apprunner", Anyone, "runs a service with a role with more rights", &[(PASS, Passed("tasks.apprunner.amazonaws.com")), ("apprunner:CreateService", At("arn:aws:apprunner:*:{a}:service/*"))]),
    way("pass-role-scheduler", Anyone, "has a schedule call AWS by a role with more rights", &[(PASS, Passed("scheduler.amazonaws.com")), ("scheduler:CreateSchedule", At("arn:aws:scheduler:*:{a}:schedule/*"))]),
    way("pass-role-ssm-automation", Anyone, "runs an automation by a role with more rights", &[(PASS, Passed("ssm.amazonaws.com")), ("ssm:StartAutomationExecution", At("arn:aws:ssm:*:{a}:automation-definition/*"))]),
    // What runs already with a role with more rights.
    way("update-function-code", Anyone, "changes the code of a function whose role has more rights", &[("lambda:UpdateFunctionCode", Function)]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_told_apart() {
        let mut ids: Vec<&str> = WAYS.iter().map(|w| w.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), WAYS.len());
        assert!(WAYS.iter().all(|w| w.steps.iter().all(|(action, _)| action.contains(':'))));
    }
}
