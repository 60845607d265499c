// SPDX-License-Identifier: GPL-2.0-only
/*
 * For UEFI: a firmware that has ACPI NVS memory at NVS, as some have it where a
 * kernel would like to be. Takes 1 MB there, and starts Xen.
 */
#include <efi.h>
#include <efilib.h>

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
	EFI_PHYSICAL_ADDRESS at = NVS;
	EFI_LOADED_IMAGE *self;
	EFI_DEVICE_PATH *path;
	EFI_STATUS status;
	EFI_HANDLE xen;

	InitializeLib(image, table);
	status = uefi_call_wrapper(BS->AllocatePages, 4, AllocateAddress, EfiACPIMemoryNVS,
				   EFI_SIZE_TO_PAGES(1 << 20), &at);
	if (EFI_ERROR(status)) {
		Print(L"1 MB at 0x%lx isn't free: %r\r\n", at, status);
		return status;
	}
	status = uefi_call_wrapper(BS->HandleProtocol, 3, image, &LoadedImageProtocol,
				   (VOID **)&self);
	if (EFI_ERROR(status))
		return status;
	path = FileDevicePath(self->DeviceHandle, L"\\EFI\\BOOT\\xen.efi");
	status = uefi_call_wrapper(BS->LoadImage, 6, FALSE, image, path, NULL, 0, &xen);
	if (EFI_ERROR(status)) {
		Print(L"xen.efi: %r\r\n", status);
		return status;
	}
	return uefi_call_wrapper(BS->StartImage, 3, xen, NULL, NULL);
}
