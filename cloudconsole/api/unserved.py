"""The cloud's REST addresses that no proto of ours declares: backups, invites, custom roles and the like.

They answer 501 with the method's name instead of 404, so that a client's author knows what is missing. Over gRPC the
name is in the call itself. Paths are relative to ``/api``, with ``{}`` for each variable.
"""

from collections import defaultdict

_METHODS = """
POST booking/v1/accounts/{}/backup-quote BookingService.GetBackupQuote
GET monitoring/v1/accounts/{}/cluster/{}/events MonitoringService.GetClusterEvents
GET billing/v1/accounts/{}/parent BillingService.GetBillingAccountParent
GET billing/v1/accounts/{}/children BillingService.ListBillingAccountChildren
GET cluster/backup/v1/accounts/{}/backups BackupService.ListBackups
POST cluster/backup/v1/accounts/{}/backups BackupService.CreateBackup
GET cluster/backup/v1/accounts/{}/backups/{} BackupService.GetBackup
PATCH cluster/backup/v1/accounts/{}/backups/{} BackupService.UpdateBackup
DELETE cluster/backup/v1/accounts/{}/backups/{} BackupService.DeleteBackup
POST cluster/backup/v1/accounts/{}/backups/{}/restore BackupService.RestoreBackup
GET cluster/backup/v1/accounts/{}/backup_restores BackupService.ListBackupRestores
GET cluster/backup/v1/accounts/{}/backup_schedules BackupService.ListBackupSchedules
POST cluster/backup/v1/accounts/{}/backup_schedules BackupService.CreateBackupSchedule
GET cluster/backup/v1/accounts/{}/backup_schedules/{} BackupService.GetBackupSchedule
PUT cluster/backup/v1/accounts/{}/backup_schedules/{} BackupService.UpdateBackupSchedule
DELETE cluster/backup/v1/accounts/{}/backup_schedules/{} BackupService.DeleteBackupSchedule
POST account/v1/accounts AccountService.CreateAccount
DELETE account/v1/accounts/{} AccountService.DeleteAccount
POST account/v1/accounts/{}/leave AccountService.LeaveAccount
GET account/v1/self/invites AccountService.ListReceivedAccountInvites
GET account/v1/accounts/{}/invites AccountService.ListAccountInvites
POST account/v1/accounts/{}/invites AccountService.CreateAccountInvite
GET account/v1/accounts/{}/invites/{} AccountService.GetAccountInvite
DELETE account/v1/accounts/{}/invites/{} AccountService.DeleteAccountInvite
POST account/v1/accounts/{}/invites/{}/accept AccountService.AcceptAccountInvite
POST account/v1/accounts/{}/invites/{}/reject AccountService.RejectAccountInvite
DELETE account/v1/accounts/{}/members/{} AccountService.DeleteAccountMember
GET account/v1/suggest-company AccountService.SuggestCompanies
PUT iam/v1/users/{} IAMService.UpdateUser
DELETE iam/v1/users/{} IAMService.DeleteUser
GET iam/v1/users/me/profile IAMService.GetUserProfile
PUT iam/v1/users/me/profile IAMService.UpdateUserProfile
GET iam/v1/users/me/consent IAMService.GetUserConsent
POST iam/v1/users/me/consent IAMService.RecordUserConsent
POST iam/v1/users/me/logout IAMService.LogoutUser
GET iam/v1/users/me/mfa-methods IAMService.ListUserMfaMethods
PUT iam/v1/users/me/mfa-methods/{} IAMService.UpdateUserMfaMethod
DELETE iam/v1/users/me/mfa-methods/{} IAMService.DeleteUserMfaMethod
POST iam/v1/accounts/{}/roles IAMService.CreateRole
PUT iam/v1/accounts/{}/roles/{} IAMService.UpdateRole
DELETE iam/v1/accounts/{}/roles/{} IAMService.DeleteRole
GET iam/v1/accounts/{}/roles/{}/users IAMService.ListRoleUsers
GET iam/v1/accounts/{}/users/{}/roles IAMService.ListUserRoles
POST iam/v1/accounts/{}/users/{}/roles IAMService.AssignUserRoles
GET quota/v1/users/me/quotas QuotaService.GetAuthenticatedUserQuotas
POST payment/v1/accounts/{}/stripe-session PaymentService.CreateStripeCheckoutSession
GET payment/v1/accounts/{}/stripe-session/{} PaymentService.GetStripeCheckoutSession
POST payment/v1/accounts/{}/marketplace-entitlements PaymentService.RecordCloudMarketplaceEntitlement
POST cluster/auth/v1/accounts/{}/ephemeral-dashboard-tokens EphemeralDashboardTokenService.CreateEphemeralDashboardToken
GET cluster/auth/v1/accounts/{}/database-api-keys DatabaseApiKeyService.ListDatabaseApiKeys (v1)
POST cluster/auth/v1/accounts/{}/database-api-keys DatabaseApiKeyService.CreateDatabaseApiKey (v1)
DELETE cluster/auth/v1/accounts/{}/database-api-keys/{} DatabaseApiKeyService.DeleteDatabaseApiKey (v1)
GET ui/v1/accounts/{}/clusters/{}/collections ClusterDataService.ListCollections
GET ui/v1/accounts/{}/users AggregationService.ListUsersWithRoles
"""


def unserved_methods() -> dict[str, dict[str, str]]:
    """Path shape -> HTTP verb -> name of the method."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for line in _METHODS.strip().splitlines():
        verb, shape, name = line.split(maxsplit=2)
        found[shape][verb] = name
    return found
